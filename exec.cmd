@rem npm's script begins with the shell's `exec`, without which npm's signals would not reach the server.
@rem Windows has neither: there this file, found in the current directory, runs what follows.
@%*
