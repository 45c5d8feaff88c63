"""The predictor itself: an encoder that learns output lengths from prompts. The only room with torch."""
