{ callPackage }:

{
  python311 = callPackage ./cpython.nix {
    version = "3.11.10";
    hash = "sha256-HrKM76wU5apUyAQMpnfZn0Ducio/yEBnIW7ieGxpF2c=";
    self = "python311";
  };
  python312 = callPackage ./cpython.nix {
    version = "3.12.7";
    hash = "sha256-UvI5TGIKVas8FKJChnjXoUfNCmtT5zmvJWjxrXvdfnk=";
    self = "python312";
  };
}
