using Vlm.Trainer.Model;
using Vlm.Vision;
using static TorchSharp.torch;

namespace Vlm.Trainer.Sampling;

/// <summary>From the pictures of questions to image features.</summary>
internal static class QuestionPictures
{
    /// <summary>[M, C] features of the pictures in the order of the questions; null when no question has one.</summary>
    public static Tensor? Features(QwenVl model, IEnumerable<TorchPrompt> questions)
    {
        var pictures = questions.Where(q => q.Patches is not null).Select(q => q.Patches!).ToList();
        return pictures.Count == 0 ? null : model.Encode(Pixels(pictures), [.. pictures.Select(p => p.Grid)]);
    }

    private static Tensor Pixels(List<Patches> pictures)
    {
        var width = pictures[0].Values.Length / pictures[0].Grid.Patches;
        var pixels = empty(pictures.Sum(p => (long)p.Grid.Patches), width);                  // [N, 1176]
        long row = 0;
        foreach (var picture in pictures)
        {
            using var one = tensor(picture.Values).view(-1, width);
            pixels.narrow(0, row, one.shape[0]).copy_(one);
            row += one.shape[0];
        }
        return pixels;
    }
}
