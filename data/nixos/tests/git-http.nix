{
  makeTest,
  git,
  nginx,
}:

makeTest {
  name = "git-http";
  packages = [
    git
    nginx
  ];
}
