"""Ecosystem files of PM2 and Procfiles: `tranter app convert`, by node and by our own evaluator."""

import shutil
import time

import pytest
from command_line import check_failure, ok, tranter

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

# Files as they are found in projects. Each has to mean the same to node and to the evaluator.
MODULES = {
    "plain": """
module.exports = {
  apps: [
    {
      name: 'worker',
      script: './run.sh',
      interpreter: 'bash',
      cwd: __dirname,
      autorestart: true,
      max_restarts: 10,
      restart_delay: 2000,
      max_memory_restart: '500M',
      env: { NODE_ENV: 'production', PORT: 3000, EMPTY: '', NOTHING: undefined, NULL: null },
      out_file: './logs/worker-out.log',
      error_file: './logs/worker-error.log',
    },
    { name: 'web', script: 'npm', args: 'run start -- --title "two words"', cwd: __dirname },
  ],
};
""",
    "shared": """
'use strict'
const path = require('path')
const os = require('node:os')
const { join, basename } = require("path")
const production = process.env.STAGE === 'production'
const base = { cwd: path.resolve(__dirname, 'sub'), merge_logs: true, env: { A: 1, ...{ B: 2 } } }
let count = os.cpus().length > 0 ? 2 : 1, unused
module.exports = {
  apps: [
    { ...base, name: `app-${production ? 'live' : 'test'}-${1 + 1}`, script: 'npm', args: ['a', 1],
      instances: count, out_file: join(__dirname, 'logs', 'a.log'), error_file: 'e.log' },
    { ...base, "name": basename('/x/y.js', '.js') + "!", script: "npm run build && npm start",
      env: { ...base.env, B: process.env.MISSING || 'none', C: process.env.MISSING ?? `n`,
             D: { list: [1, 'x', null, undefined], more: true }, E: 0.1 + 0.2, F: 1e21, G: -0 } },
  ],
}
""",
    "exports": """
#!/usr/bin/env node
// exports one by one, and prints
console.log('{"apps": "not these"}')
exports.apps = [{ name: 'a', script: 'npm', watch: true, ignore_watch: [/[/]tmp\\/.*/i, 'x/', "*.log"] }]
module.exports.deploy = { live: { env: { FROM: "deploy" }, user: 'x', host: ['a'] } }
""",
    "list": "module.exports = [{ script: 'npm', name: 'a' }, { script: 'npm', name: 'b' }]\n",
    "one": "module.exports = { script: 'npm', name: 'a', cron_restart: '0 3 * * *' }\n",
    "numbers": """
module.exports = { apps: [{
  script: 'npm', name: 'n', port: 0x1F90, max_restarts: parseInt('12', 10), kill_timeout: 1_600,
  restart_delay: Number('250'), min_uptime: '10s', listen_timeout: Math.max(1000, 8e3),
  max_memory_restart: 200 * 1024 * 1024, instances: parseInt(process.env.COUNT || '3'),
  stop_exit_codes: [0, 3,], exp_backoff_restart_delay: 100, filter_env: ['SECRET'], time: true,
  env: { A: 5 / 2, B: 7 % 4, C: 1 / 3, D: 123456789012345680000, E: 1e-7, F: !0, G: '5' * 2,
         H: 'a' + 1 + 2, I: 1 + 2 + 'a', J: String(12), K: [1, [2, 3]], L: "\\u00e9\\x41\\n'" },
}] }
""",
    "vendor": """
module.exports = { apps: [{ script: 'npm', name: 'v', vizion: false, pmx: true, max_restart: 3,
  source_map_support: true, exec_mode: 'fork', increment_var: 'PORT', port: 3000, namespace: 'n' }] }
""",
    "environments": """
module.exports = { apps: [{ script: 'npm', name: 'e', env: { A: 1, B: 1 },
  env_live: { B: 2, C: `${process.env.STAGE}` }, append_env_to_name: true }],
  deploy: { live: { env: { D: 4 } } } }
""",
}

ES_MODULES = {
    "esm": """
import path, { join } from 'node:path'
import { fileURLToPath } from 'url'
import * as os from 'os'
const here = path.dirname(fileURLToPath(import.meta.url))
export default {
  apps: [{ name: 'm', script: 'npm', cwd: here, out_file: join(here, 'o.log'),
           instances: os.cpus().length ? 2 : 1 }],
}
""",
}

CASES = [
    (f"{name}.config.{ending}", text.lstrip())
    for endings, files in ((("cjs", "js"), MODULES), (("mjs",), ES_MODULES))
    for ending in endings
    for name, text in files.items()
]


@pytest.fixture
def folder(tmp_path):
    """An empty project, with programs of its own in two folders: bin has no node, node has."""
    for name in ("bin", "node", "sub"):
        (tmp_path / name).mkdir()
    for program in ("npm", "bash", "python3"):
        (tmp_path / "bin" / program).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / program).chmod(0o755)
    if NODE is not None:
        (tmp_path / "node" / "node").symlink_to(NODE)
    (tmp_path / "run.sh").write_text("echo hello\n")
    return tmp_path


def variables(folder, node):
    path = f"{folder}/bin:{folder}/node" if node else f"{folder}/bin"
    return {"PATH": path, "STAGE": "production", "SECRET_KEY": "hidden"}


def convert(folder, name, *flags, node=False):
    return ok("app", "convert", name, *flags, cwd=folder, env=variables(folder, node)).out


def fail_to_convert(folder, name, node=False, code=2):
    outcome = tranter("app", "convert", name, cwd=folder, env=variables(folder, node))
    check_failure(outcome, code)
    return outcome.err


@needs_node
@pytest.mark.parametrize(("name", "text"), CASES, ids=[name for name, _ in CASES])
def test_the_evaluator_reads_what_node_reads(folder, name, text):
    (folder / name).write_text(text)
    flags = ["--env", "live"] if "environments" in name else []

    by_node = convert(folder, name, *flags, node=True)
    by_us = convert(folder, name, *flags)

    assert by_node == by_us
    assert "[apps." in by_us
    assert "hidden" not in by_us


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *CASES,
        ("Procfile", "web: ./web -p $PORT\nworker: ./work 'a b'\n"),
        ("p.yaml", "apps:\n  - script: npm\n    name: y\n    env: {A: 1}\n    error_file: /dev/null\n"),
        ("p.json", "{apps: [{script: 'npm', name: 'j', wait_ready: true, /* c */}]}"),
    ],
)
def test_what_is_converted_is_a_configuration(folder, name, text):
    (folder / name).write_text(text)
    (folder / "tranter.toml").write_text(convert(folder, name))

    assert ": ok, " in ok("config", "check", "tranter.toml", cwd=folder).out


def test_remarks_stand_on_top(folder):
    (folder / "e.config.cjs").write_text(MODULES["vendor"])

    lines = convert(folder, "e.config.cjs").splitlines()

    assert lines[:3] == [
        "# apps[0].max_restart: unknown key, the nearest is max_restarts",
        "# apps: pmx, source_map_support, vizion: for PM2 only, without meaning here",
        "",
    ]


def test_without_node_it_says_what_it_cannot_evaluate(folder):
    (folder / "e.config.js").write_text("module.exports =\n  require('./x.js')\n")

    error = fail_to_convert(folder, "e.config.js")

    assert "e.config.js:2:10: require of \"./x.js\" is not evaluated without node" in error
    assert "install node or convert the file where it is" in error


@needs_node
def test_node_loads_what_only_node_can(folder):
    (folder / "x.js").write_text("exports.apps = () => ['a', 'b'].map((name) => ({ name, script: 'npm' }))")
    (folder / "e.config.js").write_text(
        "process.stdout.write('x'.repeat(100000));\n"
        "setInterval(() => {}, 1000);\n"
        "module.exports = async () => ({ apps: require('./x.js').apps(), hook() {}, n: 5n })\n"
    )

    out = convert(folder, "e.config.js", node=True)

    assert "# hook: is a function, which is left out" in out
    assert "[apps.a]" in out and "[apps.b]" in out


@needs_node
def test_a_module_of_the_other_kind_is_imported(folder):
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "e.config.js").write_text("export default { apps: [{ name: 'm', script: 'npm' }] }\n")

    assert "[apps.m]" in convert(folder, "e.config.js", node=True)


@needs_node
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("module.exports = {\n  apps: [\n", "e.config.js:3: node says: Unexpected end of input"),
        ("\nmissing()\n", "e.config.js:2: node says: missing is not defined"),
        ("throw 'a text'", "e.config.js: node says: a text"),
        ("process.exit(3)", "node ended with code 3 before the file had exported anything"),
        ("const a = {}; a.a = a; module.exports = a", "nested too deep, or contains itself"),
    ],
)
def test_what_node_says_of_a_file_is_told(folder, text, says):
    (folder / "e.config.js").write_text(text)

    assert says in fail_to_convert(folder, "e.config.js", node=True)


@needs_node
def test_a_file_that_never_ends_is_given_up(folder):
    (folder / "e.config.js").write_text("for (;;) {}\n")
    begin = time.monotonic()

    error = fail_to_convert(folder, "e.config.js", node=True, code=8)

    assert "node did not come to an end within 10s" in error
    assert time.monotonic() - begin >= 10


def test_a_file_that_is_not_there(folder):
    check_failure(tranter("app", "convert", "no.config.js", cwd=folder), 3)
