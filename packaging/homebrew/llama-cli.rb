# Homebrew's formula, as text: it has not been tried, for want of a Mac (Ruby reads it, no more). Put it into a tap, and
# fill in url and sha256 of a release's source archive. What Homebrew has no formula of is fetched as a resource.
class LlamaCli < Formula
  desc "Turn text into vectors, answer and chat, with GGUF models"
  homepage "https://example.org/llama-cli"
  url "file:///path/to/llama-cli-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  # Two files at one place cannot both be linked, and llama.cpp, which this needs, has a command of this name.
  keg_only "llama.cpp installs a llama-cli of its own"

  depends_on "cli11" => :build
  depends_on "cmake" => :build
  depends_on "ninja" => :build
  depends_on "nlohmann-json" => :build
  depends_on "pkgconf" => :build
  depends_on "apache-arrow"
  depends_on "curl"
  depends_on "duckdb"
  depends_on "ggml"
  depends_on "highway"
  depends_on "hnswlib"
  depends_on "icu4c@78"
  depends_on "llama.cpp"
  depends_on "openssl@3"
  depends_on "re2"
  depends_on "simdutf"
  depends_on "sqlite"

  # Headers of chat templates, and a line editor: Debian has them as libminja-dev and libisocline-dev.
  resource "minja" do
    url "file:///path/to/minja.tar.gz"
    sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  end
  resource "isocline" do
    url "file:///path/to/isocline.tar.gz"
    sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  end

  def install
    prefix_of_resources = buildpath/"resources"
    resources.each do |resource|
      resource.stage do
        system "cmake", "-S", ".", "-B", "build", "-DBUILD_TESTING=OFF", *std_cmake_args(install_prefix: prefix_of_resources)
        system "cmake", "--build", "build"
        system "cmake", "--install", "build"
      end
    end
    system "cmake", "-S", ".", "-B", "build", "-G", "Ninja", "-DBUILD_TESTING=OFF",
           "-DCMAKE_PREFIX_PATH=#{prefix_of_resources}", *std_cmake_args
    system "cmake", "--build", "build"
    system "cmake", "--install", "build"
    generate_completions_from_executable(bin/"llama-cli", "completion", shells: [:bash, :zsh, :fish])
    (man1/"llama-cli.1").write Utils.safe_popen_read(bin/"llama-cli", "manual")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/llama-cli --version")
    assert_match "does not exist", shell_output("#{bin}/llama-cli embed -m none.gguf -i none.txt -o x.parquet 2>&1", 3)
  end
end
