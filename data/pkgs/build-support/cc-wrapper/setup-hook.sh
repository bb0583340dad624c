# Would add -B, -isystem and -L flags.
