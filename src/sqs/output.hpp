#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tranter::sqs {

// The two protocols call the same thing by different names (SQS_SPEC 3).
struct OutputList {
    std::string_view json;
    std::string_view xml;  // of each element: lists are flattened
};
struct OutputMap {
    std::string_view json;
    std::string_view xml;  // of each entry
    std::string_view key = "Name";
    std::string_view value = "Value";
};

/// Writes the answer to one request, front to back, in one of the two protocols. Begins and ends
/// match; texts are UTF-8.
class Output {
  public:
    Output() = default;
    virtual ~Output() = default;
    Output(Output&&) = default;  // a declared destructor alone would make moves copy the buffer
    Output& operator=(Output&&) = default;

    virtual void text(std::string_view name, std::string_view value) = 0;
    virtual void number(std::string_view name, std::uint64_t value) = 0;
    virtual void flag(std::string_view name, bool value) = 0;
    /// A text that needs no escaping, appended by `write` to the string it is given.
    template <class Write>
    void token(std::string_view name, Write&& write) {
        write(begin_token(name));
        end_token(name);
    }

    /// A list of texts.
    virtual void begin_list(const OutputList& list) = 0;
    virtual void element(const OutputList& list, std::string_view value) = 0;
    virtual void end_list(const OutputList& list) = 0;
    /// A list of objects: between begin_list and end_list.
    virtual void begin_object(const OutputList& list) = 0;
    virtual void end_object(const OutputList& list) = 0;

    virtual void begin_map(const OutputMap& map) = 0;
    virtual void entry(const OutputMap& map, std::string_view key, std::string_view value) = 0;
    /// An entry whose value is an object.
    virtual void begin_entry(const OutputMap& map, std::string_view key) = 0;
    virtual void end_entry(const OutputMap& map) = 0;
    virtual void end_map(const OutputMap& map) = 0;

    void reserve(std::size_t bytes) { buffer.reserve(buffer.size() + bytes); }

  protected:
    virtual std::string& begin_token(std::string_view name) = 0;
    virtual void end_token(std::string_view name) = 0;

    std::string buffer;
};

/// AWS JSON 1.0: one object.
class JsonOutput final : public Output {
  public:
    JsonOutput() { buffer += '{'; }

    void text(std::string_view name, std::string_view value) override;
    void number(std::string_view name, std::uint64_t value) override;
    void flag(std::string_view name, bool value) override;
    void begin_list(const OutputList& list) override;
    void element(const OutputList& list, std::string_view value) override;
    void end_list(const OutputList& list) override;
    void begin_object(const OutputList& list) override;
    void end_object(const OutputList& list) override;
    void begin_map(const OutputMap& map) override;
    void entry(const OutputMap& map, std::string_view key, std::string_view value) override;
    void begin_entry(const OutputMap& map, std::string_view key) override;
    void end_entry(const OutputMap& map) override;
    void end_map(const OutputMap& map) override;

    std::string finish() &&;

  private:
    std::string& begin_token(std::string_view name) override;
    void end_token(std::string_view name) override;
    void key(std::string_view name);
    void open(char bracket);
    void close(char bracket);

    bool comma_ = false;
};

/// AWS Query: `<Action>Response` around `<Action>Result` around flattened lists and maps.
class XmlOutput final : public Output {
  public:
    /// Without a result element when the action has no output.
    XmlOutput(std::string_view action, bool has_result);

    void text(std::string_view name, std::string_view value) override;
    void number(std::string_view name, std::uint64_t value) override;
    void flag(std::string_view name, bool value) override;
    void begin_list(const OutputList&) override {}
    void element(const OutputList& list, std::string_view value) override;
    void end_list(const OutputList&) override {}
    void begin_object(const OutputList& list) override;
    void end_object(const OutputList& list) override;
    void begin_map(const OutputMap&) override {}
    void entry(const OutputMap& map, std::string_view key, std::string_view value) override;
    void begin_entry(const OutputMap& map, std::string_view key) override;
    void end_entry(const OutputMap& map) override;
    void end_map(const OutputMap&) override {}

    std::string finish(std::string_view request_id) &&;

  private:
    std::string& begin_token(std::string_view name) override;
    void end_token(std::string_view name) override;
    void open(std::string_view name);
    void close(std::string_view name);

    std::string_view action_;  // lives as long as the route table
    bool has_result_;
};

/// `& < > "` as entities and carriage returns as numbers, so that readers, which turn CR LF into
/// LF, see the bytes that were sent. What XML cannot hold at all becomes U+FFFD.
void append_xml_escaped(std::string& out, std::string_view text);

}  // namespace tranter::sqs
