{
  lib,
  stdenv,
  fetchurl,
  # for passthru.tests
  hello,
  testers,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "hello";
  version = "2.12.1";

  src = fetchurl {
    url = "mirror://gnu/hello/hello-${finalAttrs.version}.tar.gz";
    hash = "sha256-jDmddOSxbvRLmwHyuiVPGumWgB/nhRd/Hb+1OmhiKoE=";
  };

  passthru.tests.version = testers.testVersion { package = hello; };

  meta = {
    description = "Program that produces a familiar, friendly greeting";
    license = lib.licenses.gpl3Plus;
    maintainers = [ lib.maintainers.ada ];
  };
})
