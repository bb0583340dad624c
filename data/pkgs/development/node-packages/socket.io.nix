{
  lib,
  stdenv,
  fetchurl,
  nodejs,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "socket.io";
  version = "4.8.1";

  src = fetchurl {
    url = "https://registry.npmjs.org/socket.io/-/socket.io-${finalAttrs.version}.tgz";
    hash = "sha256-ktqVe+EF6Kx1+N9BMqc6AKHSD4W+dlzYxf5WwNw8HJs=";
  };

  nativeBuildInputs = [ nodejs ];

  meta = {
    description = "Realtime application framework for Node.js";
    license = lib.licenses.mit;
    maintainers = [ ];
  };
})
