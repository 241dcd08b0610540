#!/bin/sh
# Prints the man page egress-router(8): what the program says of itself, in a man page's form.
# scripts/man.sh EXECUTABLE VERSION DATE
set -eu
program=$1

# A line may neither begin with a dot nor hold a backslash that means something.
escape() { sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/" -e 's/-/\\-/g'; }

cat <<HEAD
.TH EGRESS\-ROUTER 8 "$3" "egress-router-cni $2" "System Administration"
.SH NAME
egress\-router \- CNI plugin for pods with a reserved source address, and its tools
.SH SYNOPSIS
.B egress\-router
.I VERB
[\fIOPTION\fR]... [\fIFILE\fR]...
.SH DESCRIPTION
Without arguments, and with CNI_COMMAND in its environment, it is a plugin of the Container Network Interface: a container runtime
calls it. With a verb it is a tool for operators.
.SH VERBS
HEAD
"$program" --help | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p' | while read -r verb; do
    printf '.SS %s\n.nf\n' "$(echo "$verb" | escape)"
    "$program" "$verb" --help </dev/null | sed '/^Exit codes:/,$d' | escape
    printf '.fi\n'
done
printf '.SH EXIT STATUS\n.nf\n'
"$program" --help | sed -n '/^  [0-9]  /p' | escape
cat <<'TAIL'
.fi
.SH FILES
.TP
.I /opt/cni/bin/egress\-router
where container runtimes look for it
.SH SEE ALSO
.BR ip (8),
.BR nft (8),
.BR network_namespaces (7)
TAIL
