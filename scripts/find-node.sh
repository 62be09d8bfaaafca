#!/bin/sh
# The same as bin/find-node.sh, which is part of the installed package.
exec sh "${0%/*}/../bin/find-node.sh" "$@"
