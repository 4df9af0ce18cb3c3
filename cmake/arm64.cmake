# Compile on another machine for arm64 (aarch64): the compilers of script/packages.txt's [arm64], and its
# [arm64-libraries] unpacked in the folder $ARM64_SYSROOT, as `script/enter --section arm64` names it. What is built
# runs in the emulator qemu-user, so that tests are found and run as always.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(ARM64_SYSROOT "$ENV{ARM64_SYSROOT}" CACHE PATH "A root file system with arm64's libraries")
if(NOT IS_DIRECTORY "${ARM64_SYSROOT}/usr/lib/aarch64-linux-gnu")
  message(FATAL_ERROR "ARM64_SYSROOT is '${ARM64_SYSROOT}', which holds no libraries for arm64: "
    "run this by `script/enter --section arm64`")
endif()
set(CMAKE_SYSROOT "${ARM64_SYSROOT}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L "${ARM64_SYSROOT}")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ARM64_SYSROOT)
