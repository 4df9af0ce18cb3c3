# llama_library(NAME SOURCES … HEADERS … [PUBLIC …] [PRIVATE …])
#
# Add one of our libraries: build, install, export and describe it, so that find_package(NAME) works for its user.
# The target all_verify_interface_header_sets compiles every public header alone, with what its users are given.
include(CMakePackageConfigHelpers)

function(llama_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
  add_library(${name} STATIC ${arg_SOURCES})
  add_library(${name}::${name} ALIAS ${name})
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  target_compile_features(${name} PUBLIC cxx_std_23)
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON VERIFY_INTERFACE_HEADER_SETS ON)

  install(TARGETS ${name} EXPORT ${name}-targets FILE_SET HEADERS)
  install(EXPORT ${name}-targets NAMESPACE ${name}:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
  set(dependencies "")
  foreach(dependency IN LISTS arg_PUBLIC arg_PRIVATE)
    if(dependency MATCHES "^llama-")
      string(APPEND dependencies "find_dependency(${dependency} CONFIG)\n")
    elseif(dependency STREQUAL "llama")
      string(APPEND dependencies "if(NOT TARGET llama)\n  find_dependency(llama)\nendif()\n")
    elseif(dependency MATCHES "^OpenSSL::")
      string(APPEND dependencies "find_dependency(OpenSSL)\n")
    elseif(dependency STREQUAL "ICU::uc")
      string(APPEND dependencies "find_dependency(ICU COMPONENTS uc)\n")
    elseif(dependency MATCHES "^CURL::")
      string(APPEND dependencies "find_dependency(CURL)\n")
    elseif(dependency MATCHES "^re2::")
      # As in dependencies.cmake.
      string(APPEND dependencies "find_package(re2 CONFIG QUIET)\nif(NOT TARGET re2::re2)\n"
        "  find_library(RE2_LIBRARY re2 REQUIRED)\n  add_library(re2::re2 UNKNOWN IMPORTED)\n"
        "  set_target_properties(re2::re2 PROPERTIES IMPORTED_LOCATION \${RE2_LIBRARY})\nendif()\n")
    elseif(dependency MATCHES "^DuckDB::")
      # As in dependencies.cmake.
      string(APPEND dependencies "if(NOT TARGET DuckDB::DuckDB)\n  find_library(DUCKDB_LIBRARY duckdb REQUIRED)\n"
        "  add_library(DuckDB::DuckDB UNKNOWN IMPORTED)\n"
        "  set_target_properties(DuckDB::DuckDB PROPERTIES IMPORTED_LOCATION \${DUCKDB_LIBRARY})\nendif()\n")
    elseif(dependency MATCHES "^hwy::")
      string(APPEND dependencies "find_dependency(hwy)\n")
    elseif(dependency MATCHES "^Arrow::")
      string(APPEND dependencies "find_dependency(Arrow)\n")
    elseif(dependency MATCHES "^Parquet::")
      string(APPEND dependencies "find_dependency(Parquet)\n")
    elseif(dependency MATCHES "^ZLIB::")
      string(APPEND dependencies "find_dependency(ZLIB)\n")
    elseif(dependency MATCHES "^SQLite")
      string(APPEND dependencies "find_dependency(SQLite3)\n")
    elseif(dependency MATCHES "^minja::")
      # Headers only, and in none of ours: a user of the static library needs nothing of it.
      string(APPEND dependencies "if(NOT TARGET minja::minja)\n  add_library(minja::minja INTERFACE IMPORTED)\nendif()\n")
    elseif(dependency MATCHES "^nlohmann_json::")
      string(APPEND dependencies "find_dependency(nlohmann_json)\n")
    elseif(dependency MATCHES "^simdutf::")
      string(APPEND dependencies "find_dependency(simdutf)\n")
    endif()
  endforeach()
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/${name}-config.cmake
    "include(CMakeFindDependencyMacro)\n${dependencies}include(\${CMAKE_CURRENT_LIST_DIR}/${name}-targets.cmake)\n"
    "if(NOT TARGET ${name})\n  add_library(${name} ALIAS ${name}::${name})\nendif()\n")
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/${name}-config-version.cmake COMPATIBILITY SameMinorVersion)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/${name}-config-version.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
endfunction()

# llama_test(NAME LABEL unit|model SOURCES … LIBRARIES …)
#
# With label "model" the tests find the synthetic models of testing/make_models.py in the folder $TEST_MODELS, and the
# plug-in of kernels is built before them. The target unit-tests builds all programs with label "unit".
add_custom_target(unit-tests)
function(llama_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL" "SOURCES;LIBRARIES")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gmock_main)
  target_compile_options(${name} PRIVATE ${TEST_OPTIONS})
  include(GoogleTest)
  set(needs "")
  if(arg_LABEL STREQUAL "model")
    add_dependencies(${name} ggml-packed)
    set(needs FIXTURES_REQUIRED models
      ENVIRONMENT "TEST_MODELS=${CMAKE_BINARY_DIR}/test-models;XDG_CACHE_HOME=${CMAKE_BINARY_DIR}/test-cache")
  endif()
  if(arg_LABEL STREQUAL "unit")
    add_dependencies(unit-tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES LABELS ${arg_LABEL} TIMEOUT 300 ${needs})
endfunction()

# llama_fuzz_target(NAME SOURCE FILE CORPUS FOLDER LIBRARIES …)
#
# With FUZZING (preset fuzz, clang) a libFuzzer program; without, a unit test that replays the corpus.
option(FUZZING "Build fuzz targets as libFuzzer programs" OFF)
function(llama_fuzz_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "SOURCE;CORPUS" "LIBRARIES")
  add_executable(${name} ${arg_SOURCE})
  target_link_libraries(${name} PRIVATE ${arg_LIBRARIES})
  if(FUZZING)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/testing/replay_corpus.cc)
    target_compile_options(${name} PRIVATE ${TEST_OPTIONS})
    add_test(NAME ${name} COMMAND ${name} ${CMAKE_CURRENT_SOURCE_DIR}/${arg_CORPUS})
    set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
    add_dependencies(unit-tests ${name})
  endif()
endfunction()
