"""Language models.

``train_text`` and ``train_ngram`` make the text and the n-gram of stage 4; ``arpa`` and
``ngram`` score words with it, compiled and by KenLM; ``neural`` and ``huggingface``
score whole sentences for rescoring.
"""
