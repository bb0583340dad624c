{
  lib,
  stdenv,
  fetchurl,
  ncurses,
  pkg-config,
  zlib,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "libxml2";
  version = "2.13.5";

  src = fetchurl {
    url = "mirror://gnome/sources/libxml2/libxml2-${finalAttrs.version}.tar.xz";
    hash = "sha256-c3zhyGENw4ZOKy2vuXJl6zQmhrkTbRon7w8/u3yn2E4=";
  };

  outputs = [
    "bin"
    "dev"
    "out"
    "doc"
  ];

  patches = [ ./utf8-xml-error-context.patch ];

  nativeBuildInputs = [ pkg-config ];
  buildInputs = [ ncurses ];
  propagatedBuildInputs = [ zlib ];

  meta = {
    description = "XML parsing library for C";
    license = lib.licenses.mit;
    maintainers = [ lib.maintainers.emre ];
  };
})
