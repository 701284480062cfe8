# SPDX-License-Identifier: Apache-2.0
"""TLS on both legs: a provider is verified against its own bundle and name, clients may use TLS."""

import ssl
import subprocess
import urllib.request

import pytest

from stack import DEAL, Simulator, chat, wait_for


def certificate(directory, name, host):
    key, cert = directory / f"{name}.key", directory / f"{name}.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-keyout", str(key), "-out", str(cert), "-subj", f"/CN={host}",
         "-addext", f"subjectAltName=DNS:{host},IP:127.0.0.1"],
        check=True, capture_output=True)
    cert.chmod(0o644)
    return key, cert


def tls_stack(make_stack, tls_host, ca):
    stack = make_stack(start=False)
    text = DEAL.format(**stack.ports, **stack.deal_parts)
    url = f"http://127.0.0.1:{stack.ports['east']} kind azure-openai key env EAST_KEY"
    assert url in text
    text = text.replace(
        url, f'https://{tls_host}:{stack.ports["east"]} kind azure-openai key env EAST_KEY ca file "{ca}"')
    # "ca file" stands after api-version in the grammar
    text = text.replace(f' ca file "{ca}" api-version "2024-10-21"', f' api-version "2024-10-21" ca file "{ca}"')
    stack.write_deal(text)
    return stack


def lower(headers):
    return {k.lower(): v for k, v in headers.items()}


def test_a_tls_provider_with_the_right_certificate_is_used(make_stack, tmp_path):
    import os
    os.chmod(tmp_path, 0o755)
    stack = make_stack(start=False)
    key_file, cert = certificate(stack.directory, "good", "localhost")
    stack = tls_stack(lambda start: stack, "localhost", cert)
    stack.simulators["east"] = Simulator(
        "east", stack.ports["east"], stack.keys_env["EAST_KEY"],
        extra=["--tls-cert", str(cert), "--tls-key", str(key_file)])
    stack.start()
    key = stack.key("acme", "api")
    for _ in range(3):
        status, headers, _ = chat(stack, key)
        assert (status, lower(headers)["x-offtake-pool"]) == (200, "east")


@pytest.mark.parametrize("wrong", ["name", "issuer"])
def test_a_tls_provider_that_cannot_be_verified_never_sees_the_request(make_stack, wrong):
    stack = make_stack(start=False)
    key_file, cert = certificate(
        stack.directory, "server", "somebody.example" if wrong == "name" else "localhost")
    _, other = certificate(stack.directory, "other", "localhost")
    stack = tls_stack(lambda start: stack, "localhost", cert if wrong == "name" else other)
    stack.simulators["east"] = Simulator(
        "east", stack.ports["east"], stack.keys_env["EAST_KEY"],
        extra=["--tls-cert", str(cert), "--tls-key", str(key_file)])
    stack.start()
    key = stack.key("acme", "api")
    status, headers, _ = chat(stack, key)
    assert (status, lower(headers)["x-offtake-pool"]) == (200, "west")
    stack.simulators["west"].stop()
    status, _, _ = chat(stack, key)
    assert status in (502, 503)


def test_clients_may_be_served_over_tls(make_stack):
    stack = make_stack(start=False)
    key_file, cert = certificate(stack.directory, "front", "localhost")
    stack.serve_args += ["--tls-cert", str(cert), "--tls-key", str(key_file)]
    for simulator in stack.simulators.values():
        simulator.start()
    stack.start_daemon(wait=False)
    context = ssl.create_default_context(cafile=str(cert))
    url = f"https://localhost:{stack.ports['listen']}/v1/models"

    def answers():
        try:
            urllib.request.urlopen(url, context=context, timeout=5)
        except urllib.error.HTTPError as error:
            return error.code == 401
        except OSError:
            return False
        return False
    wait_for(answers, what="TLS listener")
    key = stack.key("acme", "api")
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}"})
    assert urllib.request.urlopen(request, context=context, timeout=5).status == 200
