#!/bin/sh
# Unpacks Debian's package libssl-dev of another architecture: scripts/unpack-openssl.sh FOLDER ARCHITECTURE
# Nothing is installed, and apt works in the folder: the machine stays as it is, and no root is needed.
set -eu
[ ! -e "$1/usr" ] || exit 0
rm -rf "$1"
mkdir -p "$1/apt/lists/partial" "$1/apt/archives/partial"
cd "$1"
apt="apt-get -qq -o APT::Architecture=$2 -o APT::Architectures=$2 -o APT::Sandbox::User=root
    -o Dir::State::lists=$PWD/apt/lists -o Dir::Cache=$PWD/apt -o Dir::State::status=/dev/null"
if grep -qx ID=ubuntu /etc/os-release; then
    # Ubuntu has other architectures than amd64 on servers of their own.
    apt-get indextargets --format 'deb http://ports.ubuntu.com/ubuntu-ports $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        sort -u >apt/sources.list
    apt="$apt -o Dir::Etc::sourcelist=$PWD/apt/sources.list -o Dir::Etc::sourceparts=/dev/null"
fi
$apt update
$apt download libssl-dev
rm -r apt
# By one rename: an interrupted run leaves no part that the next one takes for the whole.
dpkg -x libssl-dev_*.deb unpacked
mv unpacked/usr usr
rmdir unpacked
