# The map: its sources, and its page as a source.
set(MAP_PAGE_FOLDER ${CMAKE_CURRENT_LIST_DIR}/page)
# Each names only what an earlier one defines, until the page runs.
set(MAP_PAGE_SCRIPTS element block store loader palette coloring view grid painter overlay pointer keyboard search tooltip
  download panel legend theme modes app)
list(TRANSFORM MAP_PAGE_SCRIPTS PREPEND ${MAP_PAGE_FOLDER}/ OUTPUT_VARIABLE map_page_script_files)
list(TRANSFORM map_page_script_files APPEND .js)
list(JOIN MAP_PAGE_SCRIPTS "," map_page_script_names)
set(MAP_PAGE_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/page_files.cc)
add_custom_command(OUTPUT ${MAP_PAGE_SOURCE}
  COMMAND ${CMAKE_COMMAND} -D OUT=${MAP_PAGE_SOURCE} -D PAGE=${MAP_PAGE_FOLDER} -D SCRIPTS=${map_page_script_names}
    -P ${MAP_PAGE_FOLDER}/embed.cmake
  DEPENDS ${map_page_script_files} ${MAP_PAGE_FOLDER}/page.html ${MAP_PAGE_FOLDER}/page.css ${MAP_PAGE_FOLDER}/embed.cmake
  COMMENT "Putting the map's page into a source" VERBATIM)
set(MAP_HEADERS
  include/llama-vectors/map_clusters.h include/llama-vectors/map_page.h include/llama-vectors/map_projection.h
  include/llama-vectors/map_rows.h)
set(MAP_SOURCES
  src/map/clusters.cc src/map/density_grid.cc src/map/density_hills.cc src/map/fuzzy_graph.cc src/map/layout.cc
  src/map/near_rows.cc src/map/page.cc src/map/page_block.cc src/map/page_columns.cc src/map/principal_axes.cc
  src/map/projection.cc src/map/rows.cc src/map/word_counts.cc ${MAP_PAGE_SOURCE})
set(MAP_TESTS tests/map_clusters_test.cc tests/map_page_test.cc tests/map_projection_test.cc)
