#!/usr/bin/env bash
# Makes the two embedded faces from Debian's package fonts-inter-variable (Inter 3.19).
# Needs pip's fonttools. Usage: subset.sh /usr/share/fonts/truetype/inter-vf
set -euo pipefail
from=$1
to=$(dirname "$0")
# Latin, Cyrillic (of the peoples of Russia and its neighbours), punctuation, signs of money.
letters="U+0020-007E,U+00A0-017F,U+0192,U+01E6-01E7,U+0218-021B,U+0259,U+0400-045F,U+0462-0463,U+0472-0475,U+0490-04BB,U+04C0-04E9,U+04EE-04F9,U+2004,U+2010-2015,U+2018-201E,U+2020-2022,U+2026,U+2030,U+2032-2033,U+2039-203A,U+20AC,U+20B4,U+20B8,U+20BD,U+2116,U+2122,U+2190-2193,U+2212"
face() {
    fonttools varLib.instancer -q -o "$to/whole.ttf" "$from/$1" wght="$2"
    pyftsubset "$to/whole.ttf" --unicodes="$letters" --layout-features=kern --no-hinting \
        --notdef-outline --name-IDs=0,1,2,3,4,5,6,13,14 --drop-tables+=DSIG,STAT,GSUB,GDEF \
        --output-file="$to/$3"
    rm "$to/whole.ttf"
}
face Inter-roman.var.ttf 400 inter-regular.ttf
face InterDisplay-roman.var.ttf 700 inter-display-bold.ttf
