{
  qtModule,
  libpng,
  openssl,
  pcre2,
  sqlite,
  zlib,
}:

qtModule {
  pname = "qtbase";
  patches = [ ../patches/qtbase-qmake-pkg-config.patch ];
  buildInputs = [ sqlite ];
  propagatedBuildInputs = [
    libpng
    openssl
    pcre2
    zlib
  ];
}
