// What a Content-Type says, and the status that an error becomes.
#include <coppice/serve/rows.h>
#include <gtest/gtest.h>

#include <optional>

namespace coppice::serve {
namespace {

TEST(BodyTypes, Names) {
  EXPECT_EQ(parse_body_type("text/csv"), BodyType{BodyFormat::kCsv});
  EXPECT_EQ(parse_body_type(" Text/CSV ; charset=utf8; Header=Present"),
            (BodyType{BodyFormat::kCsv, CsvHeader::kPresent}));
  EXPECT_EQ(parse_body_type("csv;label_size=1;header=\"absent\""),
            (BodyType{BodyFormat::kCsv, CsvHeader::kAbsent}));
  EXPECT_EQ(parse_body_type("text/x-libsvm"), BodyType{BodyFormat::kLibsvm});
  EXPECT_EQ(parse_body_type(""), BodyType{BodyFormat::kLibsvm});
  EXPECT_EQ(parse_body_type("application/json; charset=utf-8"), BodyType{BodyFormat::kJson});
  EXPECT_EQ(parse_body_type("application/jsonlines"), BodyType{BodyFormat::kJsonLines});
  EXPECT_EQ(parse_body_type("application/x-npy"), BodyType{BodyFormat::kNpy});
  EXPECT_EQ(parse_body_type("application/x-recordio-protobuf"), std::nullopt);
}

TEST(Errors, Statuses) {
  EXPECT_EQ(http_status("serve.request.syntax"), 415);
  EXPECT_EQ(http_status("serve.request.accept"), 406);
  EXPECT_EQ(http_status("serve.request.columns"), 400);
  EXPECT_EQ(http_status("serve.request.value"), 400);
  EXPECT_EQ(http_status("core.scorer.model"), 500);
}

}  // namespace
}  // namespace coppice::serve
