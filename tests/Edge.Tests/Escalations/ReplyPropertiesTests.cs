using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Vlm.Cryptogram;
using Vlm.Edge.Escalations;

namespace Vlm.Edge.Tests.Escalations;

/// <summary>Whatever a larger model or somebody between says, it is an answer that fits the code or a failure, and never an exception.</summary>
public sealed class ReplyPropertiesTests
{
    private const string Code = "q x r _ w z p";
    private static readonly string[] Pieces =
    [
        "cat dog", "CAT DOG.", "**", "```", "json", "{", "}", "\"answer\":", "\"cat dog\"", "<answer>", "</answer>", "<think>", "</think>", ":", "\n", " ",
        "_", "?", "é", "\0",
    ];

    [Fact]
    public void A_reply_of_any_pieces_is_an_answer_that_fits_or_a_failure() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Gen.Elements(Pieces).ListOf().Select(string.Concat).ToArbitrary(), content =>
        {
            foreach (var prompt in Enum.GetValues<PromptDialect>())
            {
                var body = JsonSerializer.SerializeToUtf8Bytes(
                    new { model = "m", choices = new[] { new { message = new { content }, finish_reason = "stop" } } });
                var attempt = ChatReply.Read(body, Code, new EndpointOptions { Url = "http://x/v1", Prompt = prompt });
                if (attempt is Attempt.Answered answered)
                    Assert.Empty(Verifiers.Check(new ReplyResult.Reply([], Message.Spaced(answered.Answer), answered.Answer), Code).HardFailures);
                else
                    Assert.NotEmpty(Assert.IsType<Attempt.Failed>(attempt).Detail);
            }
        }));

    [Fact]
    public void A_damaged_body_is_a_failure_or_an_answer()
    {
        var good = Encoding.UTF8.GetBytes("""{"model":"m","choices":[{"message":{"content":"cat dog"},"finish_reason":"stop","logprobs":null}]}""");
        foreach (var body in Mutations.Of(good, 3000, seed: 11))
            Assert.NotNull(ChatReply.Read(body, Code, new EndpointOptions { Url = "http://x/v1", Prompt = PromptDialect.Instructions }));
    }
}
