# ===- lit.cfg.py - configuration of the lit tests -------------------------===//
#
# Part of the m1c project, under the Apache License v2.0 with LLVM Exceptions.
# See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# ===----------------------------------------------------------------------===//
#
# Run with `ninja check-lit`, or `lit BUILD_DIR/test/some/folder`. The project's and
# LLVM's tools are in PATH. %m1c and %m1run are their full paths; %m1run_avx512 is m1run
# on a CPU with AVX-512 (feature "avx512"): this one, or an emulated one (feature "bochs",
# which needs bochscpu-python). %python is the Python that runs lit. The feature "mpi"
# says that plans can run on several ranks. The feature "amx" says that m1run-amx, m1run with
# AMX emulated, is built (x86-64 Linux only); "avx512bf16", that this CPU has AVX512_BF16;
# "sanitized", that the build has sanitizers; "python", that it has the Python package,
# which %python imports from the build.
# kernel_tests.py makes tests from *.kernels.

import importlib.util
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(__file__))
import cpu_features  # noqa: E402
import kernel_tests  # noqa: E402

config.name = "m1c"
config.test_format = kernel_tests.Format(execute_external=False)
config.suffixes = [".mlir", ".test", ".kernels"]
config.excludes = ["unit", "fuzz", "data", "configs", "inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.m1c_build_root + "/test"

config.environment["PATH"] = os.pathsep.join(
    [config.m1c_build_root + "/bin", config.llvm_tools_dir, os.environ["PATH"]]
)
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
config.environment["FILECHECK_OPTS"] = "--enable-var-scope"
for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]
if config.m1c_sanitize:
    config.available_features.add("sanitized")
    # LLVM's headers poison memory that LLVM's libraries, which are not instrumented, use.
    options = config.environment.get("ASAN_OPTIONS", "")
    config.environment["ASAN_OPTIONS"] = f"allow_user_poisoning=0:{options}"
if os.path.exists(config.m1c_build_root + "/bin/libm1-mpi.so") and shutil.which("mpirun"):
    config.available_features.add("mpi")
if os.path.exists(config.m1c_build_root + "/bin/m1run-amx"):
    config.available_features.add("amx")
if os.path.exists(config.m1c_build_root + "/python/m1c"):
    config.available_features.add("python")
    config.environment["PYTHONPATH"] = config.m1c_build_root + "/python"
    config.environment["M1C_CACHE"] = config.m1c_build_root + "/test/plans"
if cpu_features.AVX512_BF16:
    config.available_features.add("avx512bf16")
if os.path.exists(config.m1c_build_root + "/bin/m1run-bochs") and importlib.util.find_spec("bochscpu"):
    config.available_features.add("bochs")
if cpu_features.AVX512 or "bochs" in config.available_features:
    config.available_features.add("avx512")

config.substitutions += [
    (r"%m1c\b", config.m1c_build_root + "/bin/m1c"),
    (r"%m1run\b", config.m1c_build_root + "/bin/m1run"),
    (r"%m1run_avx512\b", config.m1c_build_root + "/bin/m1run" + ("" if cpu_features.AVX512 else "-bochs")),
    (r"%python\b", '"%s"' % sys.executable),
]
