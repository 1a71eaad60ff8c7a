#!/bin/sh
# Names everything that is missing, and how to get it, before anything is made.
python=${PYTHON:-python3}
missing=0

say_missing() {
    missing=1
    printf 'missing: %s\n  Debian, Ubuntu: %s\n  Fedora:         %s\n  macOS:          %s\n' "$@" >&2
}

new_enough_python() {
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# JAVA_HOME is somebody's decision and goes before PATH.
has_java() {
    for java in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} java; do
        major=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9][0-9]*\).*/\1/p')
        [ "${major:-0}" -ge 17 ] && return 0
    done
    return 1
}

has_docker() {
    command -v docker >/dev/null 2>&1 && docker info >/dev/null 2>&1
}

if ! new_enough_python; then
    say_missing "Python 3.11 or newer as '$python' (or name one: make PYTHON=python3.12)" \
        "apt-get install python3 python3-venv" \
        "dnf install python3" \
        "brew install python@3.13"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say_missing "the venv module of '$python'" \
        "apt-get install python3-venv" \
        "dnf install python3-pip" \
        "brew install python@3.13"
fi

# Docker can provide Kafka as well.
if ! has_docker; then
    if ! has_java; then
        say_missing "Java 17 or newer (or a running Docker engine), to run Kafka" \
            "apt-get install openjdk-17-jre-headless" \
            "dnf install java-21-openjdk-headless" \
            "brew install openjdk, and set JAVA_HOME"
    fi
    if ! command -v mvn >/dev/null 2>&1; then
        say_missing "Maven (or a running Docker engine), to download Kafka" \
            "apt-get install maven" \
            "dnf install maven" \
            "brew install maven"
    fi
fi

exit "$missing"
