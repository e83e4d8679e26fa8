#!/bin/sh
# Stands in for a program in the tests of docent: linked under the program's name, it runs the script beside the link.
# Tests write only that script. A program just written cannot always be started while other threads start theirs.
exec /bin/sh "$0.script" "$@"
