{
  genAttrs = names: value: builtins.listToAttrs (map (name: { inherit name; value = value name; }) names);
  licenses = {
    mit.spdxId = "MIT";
    asl20.spdxId = "Apache-2.0";
  };
  optionalString = condition: text: if condition then text else "";
  platforms = {
    linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];
    darwin = [
      "x86_64-darwin"
      "aarch64-darwin"
    ];
  };
  removePrefix =
    prefix: text:
    let
      length = builtins.stringLength prefix;
    in
    if builtins.substring 0 length text == prefix then builtins.substring length (-1) text else text;
}
