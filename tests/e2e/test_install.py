# SPDX-License-Identifier: Apache-2.0
"""`meson install` puts things where Debian expects them."""

import os
import subprocess

from stack import BUILD, ROOT


def test_meson_install_puts_binary_module_unit_and_man_pages_in_debians_places(tmp_path):
    result = subprocess.run(
        ["meson", "install", "-C", str(BUILD), "--no-rebuild", "--destdir", str(tmp_path)],
        capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    installed = {"/" + str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    prefix = "/usr/local" if any(p.startswith("/usr/local/") for p in installed) else "/usr"
    assert f"{prefix}/bin/offtake" in installed
    assert any(p.endswith("/nginx/modules/ngx_http_offtake_module.so") for p in installed)
    assert any(p.endswith("/systemd/system/offtake.service") for p in installed)
    for page in ("man1/offtake.1", "man8/offtake-serve.8", "man5/offtake.deal.5"):
        assert any(page in p for p in installed), page
    binary = next(p for p in installed if p.endswith("/bin/offtake"))
    assert os.access(str(tmp_path) + binary, os.X_OK)


def test_the_build_leaves_the_two_programs_in_build():
    assert (ROOT / "build" / "offtake").exists()
    assert (ROOT / "build" / "ngx_http_offtake_module.so").exists()
