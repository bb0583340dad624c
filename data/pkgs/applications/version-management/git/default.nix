{
  lib,
  stdenv,
  fetchurl,
  curl,
  expat,
  openssl,
  pcre2,
  perl,
  pkg-config,
  python3,
  zlib,
  perlSupport ? true,
  pythonSupport ? true,
  withManual ? true,
  # for passthru.tests
  git,
  nixosTests,
  testers,
}:

stdenv.mkDerivation (finalAttrs: {
  pname = "git" + lib.concatStringsSep "" (lib.optional (!withManual) "-minimal");
  version = "2.47.0";

  outputs = [ "out" ] ++ lib.optional withManual "doc";

  src = fetchurl {
    url = "https://www.kernel.org/pub/software/scm/git/git-${finalAttrs.version}.tar.xz";
    hash = "sha256-rjclJct4AtgCiWuIJik9EICOgg0pnJcBbEBVJD7Farc=";
  };

  patches = [
    ./docbook2texi.patch
    ./ssh-path.patch
  ];

  nativeBuildInputs = [ pkg-config ];
  buildInputs = [
    curl
    expat
    openssl
    pcre2
    zlib
  ]
  ++ lib.optional perlSupport perl
  ++ lib.optional pythonSupport python3;

  passthru.tests = {
    http = nixosTests.git-http;
    version = testers.testVersion { package = git; };
  };

  meta = {
    description = "Distributed version control system";
    mainProgram = "git";
    license = lib.licenses.gpl2Only;
    maintainers = [ lib.maintainers.bela ];
  };
})
