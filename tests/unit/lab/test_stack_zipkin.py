"""Zipkin is there when it can be, and a stack goes without when it cannot."""

import sys
from pathlib import Path

from lab.stack import zipkin
from lab.stack.home import Home
from lab.stack.java import Java

JAVA = Java(Path("/usr/bin/java"), 'openjdk version "21.0.1"')


class Listener:
    def __init__(self):
        self.said = []

    def say(self, line):
        self.said.append(line)

    def waiting(self, what):
        pass


def prepared(tmp_path, java=JAVA, mvn=None):
    heard = Listener()
    tools = zipkin.Tools(java, mvn)
    return zipkin.prepare(Home(tmp_path), tmp_path, tools, 18411, heard), heard.said


def test_what_is_in_the_cache_needs_java_alone(tmp_path):
    zipkin.jar(tmp_path).touch()
    program, said = prepared(tmp_path)
    assert program.port == 18411
    assert str(zipkin.jar(tmp_path)) in program.command
    assert "--armeria.ports[0].port=18411" in program.command
    assert said == ["Zipkin: 3.6.1 from Maven, run by Java 21"]


def test_without_java_or_maven_there_is_no_page_and_no_error(tmp_path):
    for java, mvn in ((None, Path("/usr/bin/mvn")), (JAVA, None)):
        assert prepared(tmp_path, java, mvn) == (None, [zipkin.WITHOUT])


def test_a_download_that_fails_is_told_and_leaves_nothing_behind(tmp_path):
    program, said = prepared(tmp_path, mvn=Path(sys.executable))
    assert program is None
    assert "without traces' page" in said[-1]
    assert [each.name for each in tmp_path.iterdir()] == ["zipkin.lock"]
