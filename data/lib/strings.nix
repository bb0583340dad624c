rec {
  isFunction = f: builtins.isFunction f || (f ? __functor && builtins.isFunction (f.__functor f));

  versionAtLeast = v1: v2: builtins.compareVersions v1 v2 >= 0;
  versionOlder = v1: v2: builtins.compareVersions v1 v2 < 0;

  # "3.12.7" -> "3.12"
  majorMinor =
    version:
    let
      parts = builtins.splitVersion version;
    in
    "${builtins.elemAt parts 0}.${builtins.elemAt parts 1}";

  major = version: builtins.elemAt (builtins.splitVersion version) 0;
}
