namespace Vlm.Parity.Tests;
