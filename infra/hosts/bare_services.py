"""What keeps our services running on a bare host: systemd where it is process 1, else a small loop of ours.

Both start the same script, which waits for the files that a service needs and becomes it. So what a service is, is
written once (services.SERVICES), and its log and process id are where they are on hosts of this machine.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from infra.hosts.layout import PATH, SERVICE_LOGS, SERVICE_STATE
from infra.hosts.services import BACKOFF_LAST, LOG_BYTES, SERVICES, STEADY, Service
from infra.hosts.ssh import ENVIRONMENT_FILE

SCRIPTS = "/opt/mlp/libexec"
RUN, SUPERVISE, NETWORK, LOGS = (f"{SCRIPTS}/{name}" for name in ("run", "supervise", "network", "logs"))
UNITS = "/etc/systemd/system"
SYSTEMD = "/run/systemd/system"
"""A folder that is there where systemd is process 1."""


def environment_file(env: Mapping[str, str]) -> str:
    """In shell's words."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(env.items()))


def run_script(services: tuple[Service, ...] = SERVICES) -> str:
    """`run <service>` becomes the service."""
    cases = "\n".join([*(_case(service) for service in services), f"logs) set -- {LOGS} ;;"])
    return f"""#!/bin/sh
# Becomes a service of the platform once the files that it needs are there.
set -u
umask 022
service=$1
set -a
. {ENVIRONMENT_FILE}
set +a
PATH={PATH}
HOME=/root
LANG=C.UTF-8
export PATH HOME LANG
mkdir -p {SERVICE_STATE} {SERVICE_LOGS}
exec >> "{SERVICE_LOGS}/$service.log" 2>&1 < /dev/null
await() {{
  for file in "$@"; do
    while [ ! -e "$file" ]; do sleep 0.3; done
  done
}}
case "$service" in
{cases}
*) echo "no service $service"; exit 64 ;;
esac
echo $$ > "{SERVICE_STATE}/$service.pid"
exec "$@"
"""


def _case(service: Service) -> str:
    lines = [f"{service.name})"]
    if service.needs:
        lines.append(f"  await {shlex.join(service.needs)}")
    lines.append(f"  set -- {shlex.join(service.argv)}")
    if service.flags_file is not None:
        file = shlex.quote(service.flags_file)
        lines.append(f'  if [ -r {file} ]; then . {file}; eval "set -- \\"\\$@\\" $KUBELET_KUBEADM_ARGS"; fi')
    lines.append("  ;;")
    return "\n".join(lines)


def supervise_script() -> str:
    """`supervise <service>` keeps it running where no init system does."""
    return f"""#!/bin/sh
# Keeps a service of the platform running: starts it again whenever it ends, later if it ends early.
set -u
service=$1
mkdir -p {SERVICE_STATE}
echo $$ > "{SERVICE_STATE}/$service.supervisor"
pause=1
while :; do
  began=$(date +%s)
  {RUN} "$service" &
  wait $!
  rm -f "{SERVICE_STATE}/$service.pid"
  if [ $(($(date +%s) - began)) -ge {STEADY:.0f} ]; then
    pause=1
  else
    sleep $pause
    pause=$((pause * 2))
    if [ $pause -gt {BACKOFF_LAST:.0f} ]; then pause={BACKOFF_LAST:.0f}; fi
  fi
done
"""


def logs_script(limit: int = LOG_BYTES) -> str:
    """Keeps each log within twice `limit` bytes, in place, because its writer holds it open."""
    return f"""#!/bin/sh
# Bounds the logs of the platform's services.
while :; do
  for log in {SERVICE_LOGS}/*.log; do
    if [ -f "$log" ] && [ "$(stat -c %s "$log")" -gt {limit} ]; then
      cp "$log" "$log.1" && : > "$log"
    fi
  done
  sleep 30
done
"""


def network_script(settings: Mapping[str, str], modules: tuple[str, ...], routes: tuple[str, ...]) -> str:
    """What the kernel must be told after every start. `routes` are `ip route replace` arguments."""
    lines = [
        "#!/bin/sh",
        "# Prepares the kernel for a Kubernetes node.",
        f"PATH={PATH}",
        *(f"modprobe {name} 2>/dev/null || true" for name in modules),
        *(f"if [ -e /proc/sys/{name} ]; then echo {value} > /proc/sys/{name}; fi" for name, value in settings.items()),
        "set -e",
        *(f"ip route replace {route}" for route in routes),
        "",
    ]
    return "\n".join(lines)


def names() -> tuple[str, ...]:
    """Everything that is kept running, in the order of starting."""
    return ("logs", *(service.name for service in SERVICES))


def units() -> dict[str, str]:
    """Name → text of systemd's units."""
    return {
        "mlp-network.service": _unit(
            "Network settings of the platform's node",
            ["After=network-online.target", "Wants=network-online.target"],
            ["Type=oneshot", "RemainAfterExit=yes", f"ExecStart={NETWORK}"],
        ),
        "mlp-logs.service": _unit(
            "Bounds of the platform's logs", [], [f"ExecStart={LOGS}", "Restart=always", "RestartSec=5"]
        ),
        "mlp-containerd.service": _unit(
            "Containers of the platform",
            ["After=mlp-network.service", "Requires=mlp-network.service"],
            [
                f"ExecStart={RUN} containerd",
                "Restart=always",
                "RestartSec=1",
                "Delegate=yes",
                "KillMode=process",
                "OOMScoreAdjust=-999",
                "LimitNOFILE=1048576",
                "TasksMax=infinity",
            ],
        ),
        "mlp-kubelet.service": _unit(
            "Kubernetes node agent of the platform",
            ["After=mlp-containerd.service", "Wants=mlp-containerd.service"],
            [f"ExecStart={RUN} kubelet", "Restart=always", "RestartSec=1", "KillMode=process", "OOMScoreAdjust=-999"],
        ),
    }


def _unit(description: str, order: list[str], service: list[str]) -> str:
    return "\n".join(
        [
            "[Unit]",
            f"Description={description}",
            *order,
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            *service,
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


_LOOPS = """
keep() {
  file="$1/$2.supervisor"
  if [ -r "$file" ] && tr '\\0' ' ' < "/proc/$(cat "$file")/cmdline" 2>/dev/null | grep -q "$3 $2"; then return; fi
  setsid "$3" "$2" < /dev/null > /dev/null 2>&1 &
}
"""


def start_script(systemd: bool) -> str:
    """Starts what does not run. Repeating it changes nothing."""
    if systemd:
        every = " ".join(units())
        return f"set -e\nsystemctl daemon-reload\nsystemctl enable --now {every}\n"
    kept = "\n".join(f"keep {SERVICE_STATE} {service} {SUPERVISE}" for service in names())
    return f"set -e\n{NETWORK}\n{_LOOPS}\n{kept}\n"


def running_script(systemd: bool) -> str:
    """Ends with code 0 where everything is kept running."""
    if systemd:
        return f"systemctl is-active --quiet {' '.join(units())}"
    each = [
        f"tr '\\0' ' ' < /proc/$(cat {SERVICE_STATE}/{name}.supervisor)/cmdline | grep -q '{SUPERVISE} {name}'"
        for name in names()
    ]
    return " && ".join([*each, f"kill -0 $(cat {SERVICE_STATE}/containerd.pid)"])


def restart_script(systemd: bool) -> str:
    """Lets the services take up new files; containers go on."""
    if systemd:
        return "systemctl daemon-reload\nsystemctl restart mlp-network mlp-logs mlp-containerd mlp-kubelet\n"
    files = [f"{SERVICE_STATE}/{service.name}.pid" for service in SERVICES]
    return "\n".join(["set -e", NETWORK, *(f"if [ -r {file} ]; then kill $(cat {file}) || true; fi" for file in files)])


def stop_script(systemd: bool, only: tuple[str, ...] = ()) -> str:
    """Ends what keeps services running, and the services: all, or `only` some. Containers go on."""
    chosen = only or names()
    if systemd:
        wanted = [f"mlp-{name}.service" for name in chosen] + ([] if only else ["mlp-network.service"])
        lines = [f"systemctl disable --now {' '.join(wanted)} > /dev/null 2>&1"]
        lines += [f"rm -f {UNITS}/{name}" for name in wanted]
        return "\n".join([*lines, "systemctl daemon-reload", ""])
    return f"""
for name in {" ".join(chosen)}; do
  file={SERVICE_STATE}/$name.supervisor
  if [ -r "$file" ]; then
    pid=$(cat "$file")
    if tr '\\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q {SUPERVISE}; then kill -s KILL -- "-$pid"; fi
    rm -f "$file" "{SERVICE_STATE}/$name.pid"
  fi
done
"""
