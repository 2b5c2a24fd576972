"""A stack whose workers also load tests/bench/roles.c, the cog with /many_roles."""

import shutil

import harness


def stack(sim_args):
    made = harness.Stack(sim_args=sim_args)
    cogs = made.dir / "cogs"
    cogs.mkdir()
    for path in [*(harness.BUILD_DIR / "src/cogs/.libs").glob("*.so"),
                 harness.BUILD_DIR / "tests/bench/.libs/roles.so"]:
        shutil.copy(path, cogs)
    made.conf.update(workers={"cogs_dir": cogs}).save()
    return made
