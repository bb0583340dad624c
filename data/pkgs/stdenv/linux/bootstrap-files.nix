# The only binaries we start from. Fetched, hence fixed-output.
{ fetchurlBoot, system }:

{
  busybox = fetchurlBoot {
    url = "http://tarballs.example.org/stdenv-linux/${system}/busybox";
    recursiveHash = true;
    hash =
      {
        x86_64-linux = "sha256-If+B/lWlt8JqxmIzn2+6JPIxkn0fkw+CwtSkStOMkYk=";
        i686-linux = "sha256-nR6eF51g9E22jCrqIEsxiDUBe26sG+ddnmmKmbu/qrU=";
      }
      .${system};
  };
  bootstrapTools = fetchurlBoot {
    url = "http://tarballs.example.org/stdenv-linux/${system}/bootstrap-tools.tar.xz";
    hash =
      {
        x86_64-linux = "sha256-C3fIEoS9nWtI4FTfBQJHKj2ZOJGAwYPWkfF04D1Yvac=";
        i686-linux = "sha256-MUQTrnNFQT+5FQVEzYFgJ8vbEgnwDRL57Ixm2QzB5Zw=";
      }
      .${system};
  };
}
