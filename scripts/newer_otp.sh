#!/bin/bash
# newer_otp.sh RELEASE FOLDER: brings the Erlang of another Debian release (trixie, sid) into
# FOLDER, which becomes the root of a chroot, writes FOLDER/wrappers/erl, which runs it, and
# prints its release. Needs root and a mirror; what is missing is told with exit code 77.
set -euo pipefail
release=$1
mkdir -p "$2"
root=$(cd "$2" && pwd)

missing() {
    echo "$1" >&2
    exit 77
}

[ "$(id -u)" -eq 0 ] || missing "not root"
command -v apt-get dpkg-deb chroot >/dev/null || missing "no apt"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -e "$keyring" ] || missing "no keys of Debian"
mirror=$(grep -rhoE 'https?://[^ ]*/debian/?' /etc/apt/sources.list /etc/apt/sources.list.d \
    2>/dev/null | grep -v snapshot | head -n 1 || true)
[ -n "$mirror" ] || missing "no mirror of Debian is configured"

if [ ! -e "$root/complete" ]; then
    # An apt of its own, which knows of no installed package and installs none: what it
    # fetches, its signatures checked, is only unpacked.
    apt=$root/apt
    mkdir -p "$apt"/{lists/partial,archives/partial,etc}
    : >"$apt/status"
    echo "deb [signed-by=$keyring] $mirror $release main" >"$apt/etc/sources.list"
    own=(-o Dir::Etc::sourcelist="$apt/etc/sources.list" -o Dir::Etc::sourceparts=-
        -o Dir::State="$apt" -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status"
        -o Dir::Cache="$apt" -o Dir::Cache::archives="$apt/archives" -o APT::Sandbox::User=root
        -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=10)
    apt-get -qq "${own[@]}" update >"$apt/log" 2>&1 || missing "the mirror does not answer"
    apt-get -qq -y "${own[@]}" --no-install-recommends --download-only install \
        erlang-base erlang-crypto erlang-runtime-tools erlang-ssl dash coreutils sed grep >"$apt/log" 2>&1 ||
        missing "the mirror lacks Erlang of $release"
    mkdir -p "$root"/usr/{bin,sbin,lib,lib64} "$root"/{proc,dev,tmp,etc}
    for name in bin sbin lib lib64; do
        ln -sfn "usr/$name" "$root/$name"
    done
    for package in "$apt"/archives/*.deb; do
        # Through tar: dpkg-deb would put folders in the place of these links.
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$root" --keep-directory-symlink
    done
    rm -rf "$apt"
    printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
    mknod -m 666 "$root/dev/null" c 1 3 2>/dev/null || true
    touch "$root/complete"
fi

# What the tests have a node read lies at the same place inside.
peer=$(cd "$(dirname "$0")/.." && pwd)/tests/cluster/peer.eval
mkdir -p "$root/wrappers" "$root$(dirname "$peer")"
cp "$peer" "$root$peer"
cat >"$root/wrappers/erl" <<WRAPPER
#!/bin/sh
exec "$(command -v chroot)" "$root" /usr/bin/env HOME=/tmp PATH=/usr/bin /usr/bin/erl "\$@"
WRAPPER
chmod +x "$root/wrappers/erl"
"$root/wrappers/erl" -noshell -eval \
    'io:format("~s~n", [erlang:system_info(otp_release)]), halt().'
