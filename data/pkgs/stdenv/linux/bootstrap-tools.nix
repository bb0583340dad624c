{ system, bootstrapFiles }:

derivation {
  name = "bootstrap-tools";
  inherit system;
  builder = "/bin/sh";
  args = [
    "-e"
    ../generic/default-builder.sh
  ];
  outputs = [ "out" ];
  # Two files, so not `src`: the builder checks each of these.
  nativeBuildInputs = [
    bootstrapFiles.busybox
    bootstrapFiles.bootstrapTools
  ];
}
