namespace Vlm.Trainer.Tests;
