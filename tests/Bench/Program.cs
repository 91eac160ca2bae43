using Vlm.Bench;

return await Commands.Run(args);
