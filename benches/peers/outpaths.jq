# Lines of nix-eval-jobs as nixpkgs' CI keeps an evaluation: `attribute.system` to its outputs.
[inputs | select(has("outputs") and (has("error") | not)) | {key: "\(.attr).x86_64-linux", value: .outputs}] | from_entries
