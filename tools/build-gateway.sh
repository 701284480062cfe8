#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# build-gateway.sh SOURCE_ROOT BUILD_ROOT OUTPUT
# Builds the nginx module against the packaged nginx (nginx-dev), by nginx's own configure: a module whose
# signature differs from the binary's is refused at load. OFFTAKE_GATEWAY_CFLAGS and _LDFLAGS are added.
set -euo pipefail
source_root=$(realpath "$1")
build_root=$(realpath "$2")
output=$3
nginx_src=${OFFTAKE_NGINX_SRC:-/usr/share/nginx/src}
[[ -f $nginx_src/conf_flags ]] || {
  echo "build-gateway: $nginx_src/conf_flags is not there; install the package nginx-dev" >&2
  exit 1
}
work=$build_root/nginx
# shellcheck disable=SC1091
. "$nginx_src/conf_flags"
flags=()
for flag in "${NGX_CONF_FLAGS[@]}"; do
  case $flag in
    --add-dynamic-module=* | --add-module=*) ;; # other modules of the package are not ours to build
    *) flags+=("$flag") ;;
  esac
done
stamp=$(printf '%s\n' "${flags[@]}" "$source_root" "${OFFTAKE_GATEWAY_CFLAGS:-}" "${OFFTAKE_GATEWAY_LDFLAGS:-}" \
  "$(cat "$source_root/src/gateway/config")" "$(nginx -v 2>&1)" | sha256sum)
export OFFTAKE_SRC=$source_root/src
log=$build_root/build-gateway.log
if [[ ! -f $work/stamp || $(cat "$work/stamp") != "$stamp" ]]; then
  rm -rf "$work"
  mkdir -p "$work"
  cp -a "$nginx_src/." "$work/"
  (cd "$work" && ./configure "${flags[@]}" \
    --with-cc-opt="-g -O2 -fstack-protector-strong ${OFFTAKE_GATEWAY_CFLAGS:-}" \
    --with-ld-opt="-Wl,-z,relro -Wl,-z,now ${OFFTAKE_GATEWAY_LDFLAGS:-}" \
    --add-dynamic-module="$source_root/src/gateway") >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
  echo "$stamp" >"$work/stamp"
fi
make -C "$work" -f objs/Makefile -j2 modules >"$log" 2>&1 || { grep -E 'error|warning' "$log" >&2 || tail -n 40 "$log" >&2; exit 1; }
cp "$work/objs/ngx_http_offtake_module.so" "$output.tmp"
mv "$output.tmp" "$output"
