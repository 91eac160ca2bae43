#!/usr/bin/env bash
# Sets up what is missing, builds, checks the format, runs every test, and ends with "N passed, N failed, N skipped".
# Needs: the .NET 10 SDK on Debian 12 or 13 or Ubuntu 24.04. As root it installs the rest; otherwise it says what to install.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null

# Test projects that are built and run over ONNX Runtime GenAI too, and over its package for NVIDIA cards.
GENAI_TESTS=(Core.Tests Export.Tests)
CUDA_TESTS=(Core.Tests)
declare -A missing=()
format=""

main() {
  prepare_environment
  install_missing
  say "restore"
  dotnet restore Edge.sln --locked-mode
  say "build"
  dotnet build Edge.sln -c Release --no-restore -warnaserror "-warnnotaserror:NU1900;NU1901;NU1902;NU1903;NU1904" -p:UseSharedCompilation=false
  start_format
  build_with genai "GenAI" "${GENAI_TESTS[@]}"
  build_with_cuda
  end_format
  say "test"
  run_tests
}

prepare_environment() {
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
  # The SDK itself asks for ICU, which small images lack.
  export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
  # Build nodes that stay keep a CI job's output open.
  export MSBUILDDISABLENODEREUSE=1
  if [ -z "${HOME:-}" ] || [ ! -d "$HOME" ] || [ ! -w "$HOME" ]; then
    export HOME="$PWD/artifacts/home"
    mkdir -p "$HOME"
  fi
  command -v dotnet >/dev/null || fail "The .NET 10 SDK is not installed ('dotnet' is not on the PATH). See https://dotnet.microsoft.com/download"
}

# The decoder pictures are drawn in the fonts of these packages; cameras are read by ffmpeg; TorchSharp's native library needs the libstdc++ of GCC 13.
install_missing() {
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: the fonts DejaVu, Liberation and Noto, ffmpeg, and libstdc++ of GCC 13 or later, must be there already"
    return
  fi

  local packages=() name
  for name in fonts-dejavu-core fonts-liberation fonts-noto-core ffmpeg; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || packages+=("$name")
  done
  local old_library=false
  has_new_libstdcxx || old_library=true
  if [ "${#packages[@]}" -eq 0 ] && ! $old_library; then
    return
  fi

  if [ "$(id -u)" -ne 0 ]; then
    [ "${#packages[@]}" -eq 0 ] || echo "Install: sudo apt-get install -y ${packages[*]}" >&2
    ! $old_library || echo "Install libstdc++6 of GCC 13 or later (GLIBCXX_3.4.32); on Debian 12 it is in the trixie suite: run this script once as root." >&2
    fail "Then run this script again."
  fi

  export DEBIAN_FRONTEND=noninteractive
  if $old_library; then
    add_trixie
  fi
  say "install ${packages[*]}$($old_library && echo ' libstdc++6 (from trixie)')"
  apt-get update -q
  if $old_library; then
    apt-get install -q -y --no-install-recommends -t trixie libstdc++6
    has_new_libstdcxx || fail "libstdc++6 still lacks GLIBCXX_3.4.32 after installing it from trixie."
  fi
  [ "${#packages[@]}" -eq 0 ] || apt-get install -q -y --no-install-recommends "${packages[@]}"
}

has_new_libstdcxx() {
  local library
  for library in /usr/lib/*-linux-gnu/libstdc++.so.6 /usr/lib64/libstdc++.so.6; do
    if [ -e "$library" ] && grep -qa GLIBCXX_3.4.32 "$library"; then
      return 0
    fi
  done
  return 1
}

# Debian 12 only. The pin keeps every other package on its own release.
add_trixie() {
  local id version
  id=$(. /etc/os-release && echo "${ID:-}")
  version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  [ "$id $version" = "debian 12" ] || fail "libstdc++6 lacks GLIBCXX_3.4.32 on $id $version; this script knows how to get it on Debian 12 only. Install that of GCC 13 or later."
  local mirror
  mirror=$(grep -rhoE 'https?://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -n 1 | tr -d ' ') || true
  echo "deb ${mirror:-http://deb.debian.org/debian} trixie main" >/etc/apt/sources.list.d/edge-trixie.list
  printf 'Package: *\nPin: release n=trixie\nPin-Priority: -1\n' >/etc/apt/preferences.d/edge-trixie
}

# Beside the further builds: both leave a core free.
start_format() {
  mkdir -p artifacts
  dotnet format Edge.sln --verify-no-changes --no-restore >artifacts/format.log 2>&1 &
  format=$!
}

end_format() {
  say "format"
  wait "$format" || {
    cat artifacts/format.log
    fail "Some files are not formatted: dotnet format Edge.sln"
  }
}

# The same sources over other packages, beside the default build. They are not served everywhere.
build_with() {
  local accelerator=$1 name=$2 project
  local log=artifacts/$accelerator-restore.log
  shift 2
  say "build with $name"
  mkdir -p artifacts
  for project in "$@"; do
    if ! dotnet restore "tests/$project" --locked-mode -p:Accelerator="$accelerator" >"$log" 2>&1; then
      ! grep -q NU1004 "$log" ||
        fail "The lock files of the build with $name are out of date: dotnet restore tests/$project -p:Accelerator=$accelerator --force-evaluate"
      missing[$accelerator]="skipped: the packages of $name do not restore here ($(grep -m1 -oE 'NU[0-9]+: .*' "$log" || tail -n 1 "$log"))"
      echo "${missing[$accelerator]}"
      return
    fi
  done
  for project in "$@"; do
    dotnet build "tests/$project" -c Release --no-restore -warnaserror "-warnnotaserror:NU1900;NU1901;NU1902;NU1903;NU1904" -p:Accelerator="$accelerator" \
      -p:UseSharedCompilation=false
  done
}

# A quarter of a gigabyte to download: only where it was once.
build_with_cuda() {
  local packages
  packages=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: //')
  if [ ! -d "${packages%/}/microsoft.ml.onnxruntime.gpu.linux" ]; then
    missing[cuda]="skipped: their packages are large and not in the local cache (dotnet restore tests/Core.Tests -p:Accelerator=cuda)"
    return
  fi
  build_with cuda "CUDA" "${CUDA_TESTS[@]}"
}

# Accelerator, the classes that are worth running again, then test projects.
run_tests_with() {
  local accelerator=$1 classes=$2 project
  shift 2
  if [ -n "${missing[$accelerator]:-}" ]; then
    echo "Tests with $accelerator ${missing[$accelerator]}"
    return
  fi
  for project in "$@"; do
    echo "== $project with $accelerator"
    # shellcheck disable=SC2086 # Classes are several words.
    dotnet "artifacts/$accelerator/bin/$project/release/$project.dll" -noColor $classes 2>&1 | tee -a artifacts/further.log || return 1
  done
}

run_tests() {
  mkdir -p artifacts
  local log=artifacts/test.log code=0
  : >artifacts/further.log
  # One test program at a time: the models in them use every core.
  dotnet test --solution Edge.sln -c Release --no-build --no-restore --max-parallel-test-modules 1 2>&1 | tee "$log" || code=$?
  set -f
  run_tests_with genai "-class *GenAi* -class *Engines* -class *TelemetryTests" "${GENAI_TESTS[@]}" || code=1
  run_tests_with cuda "-class *Provider* -class *Engines* -class *ContractTests" "${CUDA_TESTS[@]}" || code=1
  set +f
  local passed failed skipped
  failed=$(($(total failed "$log") + $(further Failed) + $(further Errors)))
  skipped=$(($(total skipped "$log") + $(further Skipped) + $(further "Not Run")))
  passed=$(($(total succeeded "$log") + $(further Total) - $(further Failed) - $(further Skipped) - $(further "Not Run")))
  if [ "$((passed + failed))" -eq 0 ]; then
    echo "No test ran." >&2
    code=1
  fi
  if [ "$code" -eq 0 ] && [ "$failed" -ne 0 ]; then
    code=1
  fi
  [ "$failed" -eq 0 ] || sed -nE 's/^failed /failed: /p; s/^ +(.*) \[FAIL\]$/failed: \1/p' "$log" artifacts/further.log | head -n 30
  echo "$passed passed, $failed failed, $skipped skipped"
  exit "$code"
}

# The number after "  <word>: " in the last summary of the log; 0 without one.
total() {
  sed -nE "s/^ +$1: ([0-9]+)\$/\1/p" "$2" | tail -n 1 | grep . || echo 0
}

# The sum of a number over the further runs, which print one line each: "   Core.Tests  Total: 27, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 4.781s".
further() {
  sed -nE "s/.*  Total: .*/,&/; s/^,.*[ ,]$1: ([0-9]+),.*/\1/p" artifacts/further.log | awk '{ sum += $1 } END { print sum + 0 }'
}

say() {
  printf '\n== %s\n' "$*"
}

fail() {
  echo "$*" >&2
  exit 1
}

main
