# Invented people; neither the handles nor the numbers belong to anyone.
{
  ada = {
    name = "Ada Example";
    github = "example-ada";
    githubId = 900000001;
  };
  bela = {
    name = "Béla Példa";
    github = "example-bela";
    githubId = 900000002;
  };
  chen = {
    name = "Chen Example";
    github = "example-chen";
    githubId = 900000003;
  };
  dita = {
    name = "Dita Příkladová";
    github = "example-dita";
    githubId = 900000004;
  };
  emre = {
    name = "Emre Örnek";
    github = "example-emre";
    githubId = 900000005;
  };
  # No longer on GitHub: such entries exist, so readers must cope.
  fay = {
    name = "Fay Example";
    email = "fay@example.org";
  };
}
