# Sourced by other scripts, of sh and of bash.
# progress TEXT: one line on the terminal that says what is done at the moment, in the place of the one before. progress without TEXT
# removes it. In a pipe, and on a dumb terminal, it does nothing.
progress() {
    [ -t 2 ] && [ "${TERM:-dumb}" != dumb ] || return 0
    # Back to the start of the line: whatever is printed next replaces it.
    printf '\r\033[K%s\r' "$*" >&2
}
# The line goes when the script ends, also if it is interrupted. A script with more to remove replaces the first of these.
trap progress EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
