#!/bin/sh
# Installs mcpd for the user who runs it: finds out which build this machine needs, downloads it,
# compares its SHA-256 with the one below, and runs its own `mcpd install`, which does the rest.
#
#   curl -fsSL https://github.com/mcpd-dev/mcpd/releases/latest/download/install.sh | sh
#   curl -fsSL .../install.sh | sh -s -- --no-service
#
# In the source tree this is a template: build/install-script.ts fills in version and hashes.
#
# Only functions and constants until the last line, which a shell runs only when it has all of it:
# a script cut off on the way does nothing.

set -eu

VERSION='@VERSION@'
RELEASES='https://github.com/mcpd-dev/mcpd/releases'
GLIBC_MIN='2.17'
MACOS_MIN='13'

usage() {
  cat <<USAGE
Installs mcpd $VERSION for the current user. Nothing needs root.

Usage: install.sh [options]

  --version VERSION  another release (MCPD_VERSION)
  --prefix DIR       where the programs go (MCPD_INSTALL_DIR)
  --modify-path      put mcpd on PATH in the shell's start files
  --no-modify-path   leave them alone: the default (MCPD_NO_MODIFY_PATH=1)
  --no-service       do not register or start the service
  --dry-run          download, verify, show what would be done, do nothing
  --uninstall        run 'mcpd uninstall' of the installed copy
  -y, --yes          ask nothing
  -h, --help         this text

MCPD_DOWNLOAD_URL names a mirror of $RELEASES.
MCPD_ALLOW_ROOT=1 permits running as root.
USAGE
}

# The SHA-256 of each archive of this release.
sha256_of() {
  case "$1" in
    linux-x64) echo '@SHA256_linux-x64@' ;;
    linux-arm64) echo '@SHA256_linux-arm64@' ;;
    linux-x64-musl) echo '@SHA256_linux-x64-musl@' ;;
    linux-arm64-musl) echo '@SHA256_linux-arm64-musl@' ;;
    darwin-arm64) echo '@SHA256_darwin-arm64@' ;;
    darwin-x64) echo '@SHA256_darwin-x64@' ;;
  esac
}

say() {
  printf '%s\n' "$1"
}

# What failed: the state, then what to do about it.
fail() {
  printf 'mcpd: %s\n' "$1" >&2
  if [ $# -gt 1 ]; then printf '      %s\n' "$2" >&2; fi
  exit 1
}

wrong_usage() {
  printf 'mcpd: %s\n      %s\n' "$1" "See 'install.sh --help'." >&2
  exit 2
}

has() {
  command -v "$1" >/dev/null 2>&1
}

need() {
  has "$1" ||
    fail "cannot install mcpd: the command '$1' is missing" "Install it, then run this again."
}

read_options() {
  wanted=${MCPD_VERSION:-$VERSION}
  prefix=${MCPD_INSTALL_DIR:-}
  base=${MCPD_DOWNLOAD_URL:-$RELEASES}
  modify_path=no
  keep_path=no
  service=yes
  dry_run=no
  uninstall=no
  yes=no
  case "${MCPD_NO_MODIFY_PATH:-}" in '' | 0 | false | no) ;; *) keep_path=yes ;; esac
  while [ $# -gt 0 ]; do
    case "$1" in
      --version=*) wanted=${1#*=} ;;
      --prefix=*) prefix=${1#*=} ;;
      --version | --prefix)
        [ $# -gt 1 ] || wrong_usage "the option $1 has no value"
        if [ "$1" = --version ]; then wanted=$2; else prefix=$2; fi
        shift
        ;;
      --modify-path) modify_path=yes ;;
      --no-modify-path) keep_path=yes ;;
      --no-service) service=no ;;
      --dry-run) dry_run=yes ;;
      --uninstall) uninstall=yes ;;
      -y | --yes) yes=yes ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) wrong_usage "unknown option '$1'" ;;
    esac
    shift
  done
  if [ "$keep_path" = yes ]; then modify_path=no; fi
  wanted=${wanted#v}
  base=${base%/}
}

check_caller() {
  case "${HOME:-}" in
    /*) ;;
    *) fail "cannot install mcpd: HOME is '${HOME:-}'" "Set HOME to your home directory." ;;
  esac
  if [ "$(id -u)" = 0 ] && [ "${MCPD_ALLOW_ROOT:-}" != 1 ]; then
    fail "cannot install mcpd as root: it runs other people's programs with your rights" \
      "Run this as yourself. To do it all the same, set MCPD_ALLOW_ROOT=1."
  fi
}

check_request() {
  case "$VERSION" in
    @*) fail "cannot install mcpd with the script of the source tree: it knows no version" \
      "Use that of a release: curl -fsSL $RELEASES/latest/download/install.sh | sh" ;;
  esac
  case "$wanted" in
    *[!0-9A-Za-z.+-]* | [!0-9]* | '') wrong_usage "'$wanted' is no version" ;;
  esac
  case "$base" in
    https://* | http://*) ;;
    *) wrong_usage "MCPD_DOWNLOAD_URL is '$base': it has to begin with https:// or http://" ;;
  esac
}

# Where `mcpd install` puts its programs when it is not told: src/platform has the same.
programs_dir() {
  if [ -n "$prefix" ]; then
    printf '%s\n' "$prefix"
  elif [ "$(uname -s)" = Darwin ]; then
    printf '%s\n' "$HOME/Library/Application Support/mcpd"
  else
    case "${XDG_DATA_HOME:-}" in
      /*) printf '%s\n' "${XDG_DATA_HOME%/}/mcpd" ;;
      *) printf '%s\n' "$HOME/.local/share/mcpd" ;;
    esac
  fi
}

# True when version $1 is older than $2; both are MAJOR or MAJOR.MINOR with anything after it.
older() {
  major=${1%%.*}
  major_min=${2%%.*}
  [ "$major" -eq "$major_min" ] || {
    [ "$major" -lt "$major_min" ]
    return
  }
  case "$1" in *.*) minor=${1#*.} ;; *) minor=0 ;; esac
  case "$2" in *.*) minor_min=${2#*.} ;; *) minor_min=0 ;; esac
  [ "${minor%%[!0-9]*}" -lt "${minor_min%%[!0-9]*}" ]
}

no_build() {
  fail "cannot install mcpd: there is no build for $1" "See $RELEASES for those there are."
}

find_target() {
  system=$(uname -s)
  machine=$(uname -m)
  case "$machine" in
    x86_64 | amd64) arch=x64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) no_build "$system on $machine" ;;
  esac
  case "$system" in
    Linux) find_linux_target ;;
    Darwin) find_darwin_target ;;
    MINGW* | MSYS* | CYGWIN* | Windows_NT)
      fail "cannot install mcpd: this script is not for Windows" \
        "In PowerShell: irm $base/latest/download/install.ps1 | iex"
      ;;
    *) no_build "$system on $machine" ;;
  esac
}

find_linux_target() {
  # A 64-bit kernel may carry a 32-bit system, as on some Raspberry Pis.
  if [ "$(getconf LONG_BIT 2>/dev/null || echo 64)" = 32 ]; then no_build "a 32-bit system"; fi
  target=linux-$arch
  libc=$(ldd --version 2>&1 || true)
  case "$libc" in
    *musl*)
      target=$target-musl
      return
      ;;
  esac
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)
  # shellcheck disable=SC2086 # the words of "glibc 2.36" are wanted
  set -- $glibc
  case "${2:-}" in
    [0-9]*.[0-9]*)
      if older "$2" "$GLIBC_MIN"; then
        fail "cannot install mcpd: this system has glibc $2, and it needs $GLIBC_MIN" \
          "Use a newer system."
      fi
      ;;
    # Neither has said what it is: look whose loader there is. What is wrong shows when it is run.
    *)
      for loader in /lib/ld-musl-*; do
        if [ -e "$loader" ]; then target=$target-musl; fi
      done
      ;;
  esac
}

find_darwin_target() {
  # A shell under Rosetta says x86_64 on a machine that is not.
  if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || echo 0)" = 1 ]; then arch=arm64; fi
  target=darwin-$arch
  macos=$(sw_vers -productVersion 2>/dev/null || true)
  case "$macos" in
    [0-9]*)
      if older "$macos" "$MACOS_MIN"; then
        fail "cannot install mcpd: this is macOS $macos, and it needs $MACOS_MIN" "Update macOS."
      fi
      ;;
  esac
}

# Everything of ours is in one directory that goes with us, whatever happens.
make_work_dir() {
  need mktemp
  work=$(mktemp -d "${TMPDIR:-/tmp}/mcpd-install.XXXXXX") ||
    fail "cannot make a temporary directory in ${TMPDIR:-/tmp}: see above" \
      "Set TMPDIR to a directory you can write to."
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

# download URL FILE
download() {
  if has curl; then
    with_curl "$1" "$2" && return
  elif has wget; then
    # Short options, since busybox knows no others, and not -T, on which its 1.35 crashes.
    wget -nv -t 3 -O "$2" "$1" 2>"$work/said" && return
    cat "$work/said" >&2
  else
    fail "cannot download mcpd: neither curl nor wget is here" "Install one, then run this again."
  fi
  hint="Check that this machine is online, that ${TMPDIR:-/tmp} has room, and that version $wanted"
  fail "cannot download $1: see above" "$hint is one of $RELEASES."
}

with_curl() {
  url=$1
  file=$2
  # A mirror in the own network may do without TLS; what is asked for with TLS stays with it.
  case "$url" in
    https:*) set -- --proto '=https' --tlsv1.2 ;;
    *) set -- --proto '=http,https' ;;
  esac
  if [ -t 2 ] && [ -z "${CI:-}" ]; then set -- "$@" --progress-bar; else set -- "$@" --silent; fi
  # Not --output: a curl that is confined (snap) may not write where we say.
  curl "$@" --show-error --fail --location --retry 3 --connect-timeout 20 "$url" >"$file"
}

sha256() {
  if has sha256sum; then
    sum=$(sha256sum <"$1")
  elif has shasum; then
    sum=$(shasum -a 256 <"$1")
  elif has openssl; then
    sum=$(openssl dgst -sha256 -r <"$1")
  else
    fail "cannot verify mcpd: none of sha256sum, shasum and openssl is here" "Install one of them."
  fi
  printf '%s\n' "${sum%% *}"
}

# The script of another release knows the hashes of that release.
run_other_version() {
  say "Getting the install script of mcpd $wanted"
  download "$base/download/v$wanted/install.sh" "$work/install.sh"
  grep -qxF "VERSION='$wanted'" "$work/install.sh" ||
    fail "cannot install mcpd $wanted: $base/download/v$wanted/install.sh is not its script" \
      "Look at what the server answers there."
  sh "$work/install.sh" "$@" || exit $?
  exit 0
}

same_version_installed() {
  [ "$(cat "$root/VERSION" 2>/dev/null || true)" = "$VERSION" ] || return 1
  case "$("$root/bin/mcpd" --version 2>/dev/null || true)" in *"$VERSION"*) ;; *) return 1 ;; esac
}

get_program() {
  archive=mcpd-$target.tar.gz
  expected=$(sha256_of "$target")
  case "$expected" in
    '' | @*) fail "cannot verify $archive: this script has no hash of it" "Use another release." ;;
  esac
  say "Downloading mcpd $VERSION for $target"
  download "$base/download/v$VERSION/$archive" "$work/$archive"
  found=$(sha256 "$work/$archive")
  if [ "$found" != "$expected" ]; then
    fail "cannot install mcpd: $archive has the SHA-256 $found, and it should have $expected" \
      "Run this again. If it stays so, do not trust $base."
  fi
  tar -xzof "$work/$archive" -C "$work" mcpd || fail "cannot unpack $archive: see above"
  said=$("$work/mcpd" --version 2>&1) || cannot_run $?
}

cannot_run() {
  case "$target" in
    *-musl) hint="mcpd needs libstdc++. On Alpine: apk add libstdc++" ;;
    *) hint="If ${TMPDIR:-/tmp} permits no programs, set TMPDIR to a directory that does." ;;
  esac
  fail "cannot run mcpd on this machine (exit code $1): $said" "$hint"
}

# run_program PROGRAM WORDS: asks its questions of the terminal, since we may be what is piped in.
run_program() {
  input=/dev/null
  if [ "$yes" = no ] && [ -z "${CI:-}" ] && (: </dev/tty) 2>/dev/null; then input=/dev/tty; fi
  "$@" <"$input" || exit $?
}

run_uninstall() {
  if [ ! -x "$root/bin/mcpd" ]; then
    fail "cannot uninstall mcpd: there is none in $root" \
      "If it is elsewhere, name the place with --prefix."
  fi
  set -- "$root/bin/mcpd" uninstall
  if [ -n "$prefix" ]; then set -- "$@" --prefix "$prefix"; fi
  if [ "$dry_run" = yes ]; then set -- "$@" --dry-run; fi
  if [ "$yes" = yes ] || [ -n "${CI:-}" ]; then set -- "$@" --yes; fi
  run_program "$@"
}

run_install() {
  set -- "$work/mcpd" install
  if [ -n "$prefix" ]; then set -- "$@" --prefix "$prefix"; fi
  if [ "$service" = no ]; then set -- "$@" --no-service; fi
  if [ "$modify_path" = yes ]; then set -- "$@" --modify-path; fi
  if [ "$dry_run" = yes ]; then set -- "$@" --dry-run; fi
  run_program "$@"
  if [ "$dry_run" = yes ]; then
    say "Nothing was changed."
  else
    say "To undo all of it: \"$root/bin/mcpd\" uninstall"
  fi
}

main() {
  # It takes words apart, and patterns without a match, in another way.
  if [ -n "${ZSH_VERSION:-}" ]; then emulate sh; fi
  read_options "$@"
  check_caller
  root=$(programs_dir)
  if [ "$uninstall" = yes ]; then
    run_uninstall
    exit 0
  fi
  check_request
  make_work_dir
  if [ "$wanted" != "$VERSION" ]; then run_other_version "$@"; fi
  find_target
  if same_version_installed; then
    say "mcpd $VERSION is already installed in $root: nothing to do."
    say "To repair it, or to install it otherwise: \"$root/bin/mcpd\" install"
    exit 0
  fi
  need tar
  need gzip
  get_program
  run_install
}

# In braces, or a script that is cut off behind the first word would run without its options.
{ main "$@"; exit 0; }
