# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import stack as stack_module  # noqa: E402


@pytest.fixture
def make_stack():
    """Makes stacks that are taken down at the end of the test. Their folders lie under /tmp with a
    short path (a unix socket's name is limited) that the workers' user may enter."""
    made = []

    def make(start=True, **arguments):
        directory = tempfile.mkdtemp(prefix="oft-e2e-")
        os.chmod(directory, 0o755)
        instance = stack_module.Stack(directory, **arguments)
        made.append(instance)
        return instance.start() if start else instance

    yield make
    for instance in made:
        instance.stop()


@pytest.fixture(scope="module")
def make_module_stack():
    """As make_stack, for all tests of a file."""
    made = []

    def make(**arguments):
        directory = tempfile.mkdtemp(prefix="oft-e2e-")
        os.chmod(directory, 0o755)
        made.append(stack_module.Stack(directory, **arguments))
        return made[-1].start()
    yield make
    for instance in made:
        instance.stop()


@pytest.fixture(scope="module")
def shared_stack():
    """One stack for the tests of a file that leave it as they found it."""
    directory = tempfile.mkdtemp(prefix="oft-e2e-")
    os.chmod(directory, 0o755)
    instance = stack_module.Stack(directory)
    try:
        instance.start()
        yield instance
    finally:
        instance.stop()
