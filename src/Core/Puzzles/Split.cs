namespace Vlm.Puzzles;

/// <summary>
/// Which puzzles a source draws. The split is part of every puzzle's seed, so that no evaluation puzzle is ever a training puzzle,
/// whatever the seeds and indices.
/// </summary>
public enum Split
{
    /// <summary>Training: training words and fonts, any mixture of pictures and messages.</summary>
    Train,

    /// <summary>The reference layout (400x400, lower case); one, two and three training words in equal shares.</summary>
    Clean,

    /// <summary>As <see cref="Clean"/>, with words that training never uses.</summary>
    Vocabulary,

    /// <summary>As <see cref="Clean"/>, with one to three groups of random letters: nothing can be guessed.</summary>
    Letters,

    /// <summary>Flat pictures of other layouts in faces that training never uses.</summary>
    Fonts,

    /// <summary>Sheets as a camera sees them, at the severities asked for (0: flat sheets).</summary>
    Camera,

    /// <summary>
    /// Sheets as people make them, in families of faces that training never uses: thin to black, condensed,
    /// handwritten; other separators, light on dark, squeezed, tilted.
    /// </summary>
    Wide,

    /// <summary>Frames of a camera, 640x480 to 1920x1080, in which a sheet fills 10 to 100 % of the width, at the severities asked for (1 at least).</summary>
    Scene,
}
