# Would run "python -m build".
