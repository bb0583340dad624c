# rustc and cargo come in one archive.
{
  lib,
  newScope,
  fetchurl,
}:

lib.makeScope newScope (self: {
  rustVersion = "1.82.0";
  rustSrc = fetchurl {
    url = "https://static.rust-lang.org/dist/rustc-${self.rustVersion}-src.tar.gz";
    hash = "sha256-ok7v8VI2CpFU9ftww4ZlqiypcJhk83r038elJlmBHPw=";
  };

  rustc = self.callPackage ./rustc.nix { };
  cargo = self.callPackage ./cargo.nix { };
})
