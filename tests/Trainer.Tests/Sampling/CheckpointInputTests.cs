using Vlm.Model;
using Vlm.Package;
using Vlm.Trainer.Sampling;
using Vlm.Trainer.Tests.Grpo;

namespace Vlm.Trainer.Tests.Sampling;

[Collection("seeded")]
public sealed class CheckpointInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("input").FullName;

    public CheckpointInputTests() => TinyPolicy.Write(_folder);

    [Fact]
    public void A_public_checkpoint_is_asked_in_words_in_the_format_of_its_chat_template()
    {
        Assert.Equal(PromptTemplate.Small.User, CheckpointInput.Load(_folder).Template.User);
        File.Delete(Path.Combine(_folder, "prompt.json"));
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "<|im_start|>user <|vision_start|><|image_pad|><|vision_end|><|im_end|>");
        Assert.Equal(PromptTemplate.Instruct, CheckpointInput.Load(_folder).Template);
    }

    [Fact]
    public void A_checkpoint_without_a_prompt_says_what_to_write()
    {
        File.Delete(Path.Combine(_folder, "prompt.json"));
        Assert.Contains("Write a prompt.json", Error(), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "chat_template.jinja"), "[INST] <image> [/INST]");
        Assert.Contains("does not write <|im_start|>", Error(), StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Error() => Assert.Throws<CheckpointException>(() => CheckpointInput.Load(_folder)).Message;
}
