// Runs a fuzz target without a fuzzer: every file of a corpus folder, then seeded mutations of them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> read_corpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());  // the order of a folder is the file system's
  std::vector<Bytes> corpus;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return corpus;
}

/// A few edits: flip, overwrite, insert, erase, copy a part, splice another input, cut.
Bytes mutate(Bytes bytes, const std::vector<Bytes>& corpus, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) {
    return n == 0 ? std::size_t{0} : static_cast<std::size_t>(random() % n);
  };
  const auto at = [&](std::size_t i) { return bytes.begin() + static_cast<std::ptrdiff_t>(i); };
  for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
    const std::size_t i = below(bytes.size() + 1);
    switch (below(7)) {
      case 0:
        if (i < bytes.size()) bytes[i] ^= static_cast<std::uint8_t>(1u << below(8));
        break;
      case 1:
        if (i < bytes.size()) bytes[i] = static_cast<std::uint8_t>(random());
        break;
      case 2:
        bytes.insert(at(i), static_cast<std::uint8_t>(random()));
        break;
      case 3:
        bytes.erase(at(i), at(i + below(bytes.size() - i + 1)));
        break;
      case 4: {
        const std::size_t end = i + below(std::min<std::size_t>(64, bytes.size() - i) + 1);
        const Bytes part(at(i), at(end));
        const std::size_t to = below(bytes.size() + 1);
        bytes.insert(at(to), part.begin(), part.end());
        break;
      }
      case 5: {
        const Bytes& other = corpus[below(corpus.size())];
        bytes.resize(i);
        bytes.insert(bytes.end(), other.begin() + static_cast<std::ptrdiff_t>(below(other.size() + 1)),
                     other.end());
        break;
      }
      default:
        bytes.resize(i);
    }
  }
  return bytes;
}

}  // namespace

/// Arguments: the corpus folder, the number of mutations. A target fails by crashing, as with a fuzzer.
int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER MUTATIONS\n", argv[0]);
    return 2;
  }
  const std::vector<Bytes> corpus = read_corpus(argv[1]);
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no inputs\n", argv[1]);
    return 1;
  }
  for (const Bytes& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  std::mt19937_64 random(1729);
  const long n_mutations = std::atol(argv[2]);
  for (long i = 0; i < n_mutations; ++i) {
    const Bytes input = mutate(corpus[static_cast<std::size_t>(random() % corpus.size())], corpus, random);
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu inputs and %ld mutations\n", corpus.size(), n_mutations);
  return 0;
}
