{
  makeTest,
  curl,
  nginx,
}:

makeTest {
  name = "nginx";
  packages = [
    nginx
    curl.bin
  ];
}
