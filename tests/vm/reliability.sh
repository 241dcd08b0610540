# Faults, kills and hostile surroundings on this kernel: a sample of what tests/SystemTests/Reliability does in full. Read by
# scenarios.sh. What is done at a system call, at-call does (tests/SystemTests/Reliability/at-call.c).

at_call() { # at_call VERB NUMBER ACTION: the plugin with $config; $answer, $status, and the calls that were met in /tmp/calls
    status=0
    answer=$(printf '%s' "$config" | inside node env -i PATH=/usr/sbin:/bin CNI_COMMAND="$1" CNI_CONTAINERID=vm CNI_NETNS=/run/netns/pod \
        CNI_IFNAME=net1 CNI_PATH=/bin /bin/at-call /tmp/calls "$2" "$3" /bin/egress-router 2>>/tmp/log) || status=$?
}

count_calls() { # the number of ADD's calls is in $calls
    at_call ADD 0 none
    is "exit code" 0 "$status"
    calls=$(wc -l </tmp/calls)
    delete pod "$config"
}

all_or_nothing() { # either ADD has worked, and DEL removes it, or it has told an error, and has left nothing
    if [ "$status" -eq 0 ]; then
        has "the result" '"ips"' "$answer"
        delete pod "$config"
    else
        has "the error at $number: $(cat /tmp/calls)" '"msg"' "$answer"
    fi
    as_before pod node
}

faults() { # faults TYPE MODE: a call fails, each with another error number
    config=$(config "$1" "$2" 99)
    count_calls
    number=3
    for error in 1 4 11 105 12 5 16 19; do
        at_call ADD $number error:$error
        # Where .NET gets no memory it ends the process: that is DEL's to put right.
        [ "$status" -lt 128 ] || { delete pod "$config" && status=0 && continue; }
        all_or_nothing
        number=$((number + calls / 8))
    done
}

kills() { # kills TYPE MODE: the plugin is killed before a call of ADD, then of DEL
    config=$(config "$1" "$2" 99)
    count_calls
    for number in $((calls / 2)) $((calls * 2 / 3)) $((calls * 5 / 6)); do
        at_call ADD $number signal:9
        is "exit code of ADD" 137 "$status"
        delete pod "$config"
        as_before pod node
    done
    for number in 12 40; do
        add pod "$config"
        at_call DEL $number signal:9
        is "exit code of DEL" 137 "$status"
        delete pod "$config"
        as_before pod node
    done
}

ended() { # ADD is told to end, and undoes itself
    config=$(config macvlan bridge 99)
    at_call ADD 2 signal:15
    has "the error" "ended by a signal" "$answer"
    as_before pod node
}

in_the_middle() { # in_the_middle COMMAND AND_BACK: the parent changes before a call of ADD
    config=$(config macvlan bridge 99)
    count_calls
    for number in $((calls / 2)) $((calls * 3 / 4)); do
        at_call ADD $number "run:$1"
        sh -c "$2"
        [ "$status" -ne 0 ] || delete pod "$config"
        as_before pod
    done
}

without_nf_tables() { # the third netlink socket is the one for nf_tables
    config=$(config macvlan bridge 99)
    count_calls
    at_call ADD 0 none
    number=$(grep -n '^41$' /tmp/calls | sed -n '3s/:.*//p')
    delete pod "$config"
    at_call ADD "$number" error:93
    has "the error" "open an nf_tables netlink socket" "$answer"
    as_before pod node
}

read_only() { # kernel parameters that cannot be written
    config=$(config macvlan bridge 99)
    answer=$(printf '%s' "$config" | inside node unshare -m env -i CNI_COMMAND=ADD CNI_CONTAINERID=vm CNI_NETNS=/run/netns/pod CNI_IFNAME=net1 \
        CNI_PATH=/bin sh -c 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys && exec /bin/egress-router' 2>>/tmp/log) &&
        echo "ADD should have failed" && exit 1
    has "the error" "set sysctl" "$answer"
    as_before pod node
}

make_lab dum0
scenario "macvlan: a system call of ADD fails, each of eight errors" faults macvlan bridge
scenario "ipvlan: ADD and DEL are killed, DEL leaves nothing" kills ipvlan l2
scenario "ADD that is told to end is undone" ended
scenario "the parent's MTU is lowered in the middle of ADD" in_the_middle "/usr/sbin/ip -n node link set dum0 mtu 1300" "/usr/sbin/ip -n node link set dum0 mtu 1500"
scenario "without nf_tables ADD says so" without_nf_tables
scenario "with read-only kernel parameters ADD says so" read_only
# Last: the parent loses its IPv6 addresses.
scenario "the parent goes down in the middle of ADD" in_the_middle "/usr/sbin/ip -n node link set dum0 down" "/usr/sbin/ip -n node link set dum0 up"
