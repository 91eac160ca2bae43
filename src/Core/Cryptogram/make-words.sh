#!/bin/sh
# Makes words.txt from the Debian package `scowl` (2020.12.07): 10,000 common English words of at least three letters, a-z only.
# All words of level 10 (the most common), then words of level 20 in the fixed order of their SHA-256, until there are 10,000.
# And rare-words.txt: all others up to level 50, American and British.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lists=/usr/share/dict/scowl
export LC_ALL=C

level() {
    cat "$lists/english-words.$1" "$lists/american-words.$1" | grep -E '^[a-z]{3,}$' | sort -u
}

by_hash() {
    while read -r word; do
        printf '%s %s\n' "$(printf %s "$word" | sha256sum | cut -c1-16)" "$word"
    done | sort | cut -d' ' -f2
}

level 10 > "$here/words.10"
level 20 | comm -13 "$here/words.10" - | by_hash > "$here/words.20"
cat "$here/words.10" "$here/words.20" | head -n 10000 | sort > "$here/words.txt"
rm "$here/words.10" "$here/words.20"

for size in 10 20 35 40 50; do
    cat "$lists/english-words.$size" "$lists/american-words.$size" "$lists/british-words.$size"
done | grep -E '^[a-z]{3,}$' | sort -u | comm -13 "$here/words.txt" - > "$here/rare-words.txt"
{
    echo "words.txt and rare-words.txt are derived from SCOWL; this is the copyright file of the Debian package scowl (2020.12.07)."
    echo
    cat /usr/share/doc/scowl/copyright
} > "$here/words-LICENSE.txt"
